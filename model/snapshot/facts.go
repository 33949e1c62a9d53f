package snapshot

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Facts say what manifests cannot. What is not stated here is assumed, and the
// assumption is printed with each answer that used it.
type Facts struct {
	// Complete says that the source is the whole estate: somebody states so, or a cluster was
	// read in all its namespaces.
	Complete bool
	// Strict turns each assumption into Unknown.
	Strict bool
	// CNI is the network plugin's name, empty when nobody said. Enforces says
	// whether it enforces NetworkPolicy; Unknown leaves it to an assumption.
	CNI      string
	Enforces verdict.Verdict
	// CNIOrigin is the object or facts file that told of the CNI.
	CNIOrigin verdict.Origin
	// Profile is how the network plugin differs from the API's text; the zero value
	// knows of no difference.
	Profile cni.Profile
	// Domains are the addresses behind domain names, all of them, by the name as a
	// policy writes it ("example.com", "*.example.com").
	Domains map[string]flow.Addresses
	// PodCIDRs are the ranges that pods take their addresses from.
	PodCIDRs []netip.Prefix
	// APIServer is where the kube-apiserver answers, after DNAT; empty when unknown.
	APIServer      flow.Addresses
	APIServerPorts []uint16
	// APIServerOrigin is what told; zero for the facts file.
	APIServerOrigin verdict.Origin
	// DNS is where names are resolved; the zero value is the assumption ClusterDNS.
	DNS *DNS
	// Operators maps "cloudnative-pg", "stackgres", "zalando", "crunchy" and "percona" to
	// their namespaces, OperatorVersions to their releases.
	Operators        map[string]string
	OperatorVersions map[string]string
	// Now is the time at which certificates are looked at; zero leaves their end out of
	// answers.
	Now Moment
	// Outside are named ranges beyond the cluster: a bastion, a VPN.
	Outside []OutsideRange
}

// DNS is the cluster's resolver.
type DNS struct {
	Namespace string
	Labels    netpol.Labels
	// Addresses are those of a node-local cache; empty where pods answer.
	Addresses flow.Addresses
	Port      uint16
	Origin    verdict.Origin // what told; zero for the facts file
}

// An OutsideRange is a named part of the world beyond the cluster.
type OutsideRange struct {
	Name      string
	Addresses flow.Addresses
}

// An Assumption is what a directory cannot say, stated.
type Assumption struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// The codes of assumptions; they are stable.
const (
	AssumeComplete        = "estate-complete"
	AssumeNamespaceLabels = "namespace-labels"
	AssumeCNIEnforces     = "cni-enforces"
	AssumeClusterDNS      = "cluster-dns"
	AssumeAPIServer       = "apiserver-outside"
	AssumeBlockOutside    = "ipblock-outside"
	AssumePodIPv4         = "pod-ipv4"
	AssumeOperator        = "operator-namespace"
	AssumeSkipped         = "skipped"
	AssumeNodeSource      = "node-source"
	AssumePodsRoutable    = "pods-routable"
	AssumeNodePortsClosed = "node-ports-closed"
	AssumeSuperuser       = "superuser-postgres"
	AssumeBaseline        = "baseline-by-direction"
	AssumeClusterEnforces = "cni-enforces-cluster-policies"
	AssumeNotNode         = "outside-not-nodes"
	AssumeNodeAddress     = "node-address"
	AssumeGatewayOpen     = "gateway-open"
	AssumeServiceUnread   = "service-unread"
	AssumePoolersKeep     = "poolers-not-modelled"
	AssumeRuns            = "runs-again"
	AssumeCredentials     = "credentials-kept"
	AssumeNodes           = "nodes-kept"
	AssumeAccounts        = "accounts-labels"
	AssumeNarrowed        = "namespaces-narrowed"
	AssumeElsewhere       = "deployed-elsewhere"
	AssumeUnlisted        = "kinds-unlisted"
)

var assumptionTexts = map[string]string{
	AssumeComplete:        "the files read are the whole estate: no other policy, workload or Service exists",
	AssumeNamespaceLabels: "a namespace without a Namespace object has only the label " + MetadataName,
	AssumeCNIEnforces:     "the network plugin enforces NetworkPolicy",
	AssumeClusterDNS:      "names are resolved by pods k8s-app=kube-dns in namespace kube-system, port 53",
	AssumeAPIServer:       "the kube-apiserver is outside the pod network, its address unknown",
	AssumeBlockOutside:    "an ipBlock selects addresses outside the cluster, not pods whose address is unknown",
	AssumePodIPv4:         "pods whose address is unknown have an IPv4 address",
	AssumeOperator:        "the operator runs in its usual namespace with its usual labels",
	AssumeSkipped:         "what --skip leaves out would change nothing",
	AssumeNodeSource:      "outside clients keep their own address on the way in",
	AssumeNodePortsClosed: "the node ports that a LoadBalancer Service has too are closed to the outside",
	AssumeSuperuser:       "the superuser that initdb made is called postgres, and has a password",
	AssumeBaseline:        "the Baseline tier is asked in a direction that no NetworkPolicy isolates, also of a pod that one isolates in the other",
	AssumeClusterEnforces: "the network plugin enforces ClusterNetworkPolicy and its older forms",
	AssumeNotNode:         "addresses outside the cluster are not those of its nodes",
	AssumeNodeAddress:     "a node that translates the source of outside clients gives them an address of its status",
	AssumeRuns:            "what its custom resource has stopped runs: answers are about a server and poolers that run again",
	AssumePoolersKeep:     "poolers that no operator made let nobody in whom the server itself would refuse; they are warned of",
	AssumeCredentials:     "a client that was declared some roles does not hold the password or certificate of another",
	AssumeNodes:           "nobody comes from the network of the node that a server's pod runs on, which no policy closes",
	AssumeAccounts:        "pods with all labels of those that run as a service account run as it",
	AssumeNarrowed:        "what lies outside of the namespaces that were read would change nothing",
	AssumeElsewhere:       "what is deployed from sources that were not read would change nothing",
	AssumeUnlisted:        "objects of the kinds that could not be listed would change nothing",
	AssumeServiceUnread:   "a Service that the database needs by name and that was not read exists, with the port it is asked at",
	AssumeGatewayOpen:     "gateways and ingress controllers take connections from everywhere outside",
	AssumePodsRoutable:    "pod addresses can be routed to from outside the cluster",
}

// AssumptionCodes are all codes, sorted.
func AssumptionCodes() []string { return slices.Sorted(maps.Keys(assumptionTexts)) }

// Assumptions returns the texts for codes, sorted, each once.
func Assumptions(codes ...string) []Assumption {
	codes = slices.Clone(codes)
	slices.Sort(codes)
	out := []Assumption{}
	for _, c := range slices.Compact(codes) {
		out = append(out, Assumption{Code: c, Text: assumptionTexts[c]})
	}
	return out
}

// holdsAll reports whether a sorted list has everything the others have, as most do.
func holdsAll(list []string, others [][]string) bool {
	for _, other := range others {
		for _, s := range other {
			if _, found := slices.BinarySearch(list, s); !found {
				return false
			}
		}
	}
	return true
}

// Merge joins sorted lists of codes into one, sorted and without repeats.
func Merge(lists ...[]string) []string {
	if len(lists) > 0 && holdsAll(lists[0], lists[1:]) {
		return lists[0]
	}
	all := slices.Concat(lists...)
	slices.SortFunc(all, strings.Compare)
	return slices.Compact(all)
}

// A Moment is a time in seconds since 1970 in UTC; zero is not known. Engines compare
// moments and never ask a clock.
type Moment int64
