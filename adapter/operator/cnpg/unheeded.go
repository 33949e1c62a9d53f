package cnpg

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/netpol"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// unheeded notes the fields of the Cluster that do not come to what they say.
func (c *cluster) unheeded() {
	if len(c.spec.PodSelectorRefs) > 0 && len(c.status.PodSelectorRefs) == 0 {
		c.newer(version{1, 29, 0}, "spec.podSelectorRefs", "the tokens in spec.postgresql.pg_hba reach PostgreSQL as they stand, as names of hosts "+
			"that no client has: what the lines were to admit, or to refuse, is decided below them", c.at("spec.podSelectorRefs"))
	}
	if c.spec.ServiceAccountName != "" {
		c.newer(version{1, 29, 0}, "spec.serviceAccountName", "the pods run as ServiceAccount "+c.obj.Name, c.at("spec.serviceAccountName"))
	}
	// Of a release that nobody tells, older gates are taken as passed, as elsewhere.
	if on := c.spec.Probes.Liveness.IsolationCheck.Enabled; on != nil && *on && c.release.since(version{1, 27, 0}) == netpol.No {
		c.newer(version{1, 27, 0}, "spec.probes.liveness.isolationCheck", "a primary that is cut off goes on taking writes",
			c.at("spec.probes.liveness.isolationCheck"))
	}
	if s := c.spec.Managed.Services; (len(s.Disabled) > 0 || len(s.Additional) > 0) && c.release.since(version{1, 24, 0}) == netpol.No {
		c.newer(version{1, 24, 0}, "spec.managed.services", "the three usual Services are there, and no others", c.at("spec.managed.services"))
	}
	c.fixed(c.numbers())
	c.refusals()
	for _, k := range c.contested() {
		c.heed(snapshot.Unheeded{How: snapshot.Contested, Field: k, Why: "the operator gives its pods this label itself, and finds them by it",
			Effect: "which of the two values a pod has changes at every turn, and with it who is selected by Services and policies",
			Origin: c.at("spec.inheritedMetadata.labels%s", object.Key(false, k))})
	}
}

func (c *cluster) heed(u snapshot.Unheeded) { c.server.Unheeded = append(c.server.Unheeded, u) }

// newer notes a field that releases before one do not know. A Cluster that the API server
// has stored still has it, so that the definition knows it.
func (c *cluster) newer(v version, field, effect string, at verdict.Origin) {
	if c.obj.UID != "" && at.Object == c.obj.Origin().Object && c.release.since(v) == netpol.Unsure {
		return
	}
	c.gated(v, snapshot.Unheeded{How: snapshot.Pruned, Field: field, Effect: effect, Origin: at})
}

// newerKind notes an object of a kind that releases before one do not know.
func (c *cluster) newerKind(v version, at verdict.Origin) {
	c.gated(v, snapshot.Unheeded{How: snapshot.Refused, Field: "its kind", Origin: at})
}

// gated notes what is not there before a release.
func (c *cluster) gated(v version, u snapshot.Unheeded) {
	u.Why, u.Fix = fmt.Sprintf("%d.%d brought it", v[0], v[1]), fmt.Sprintf("update the operator and its definitions to %d.%d", v[0], v[1])
	switch c.release.since(v) {
	case netpol.Yes:
		return
	case netpol.Unsure:
		u.Fact = theRelease
	default:
		u.Why += ", and the operator is of " + c.release.String()
	}
	c.heed(u)
}

// misplaced notes a reference to pods outside the address field, which the webhook does
// not look at [cnpg internal/webhook/v1/cluster_webhook.go@1.30.0].
func (c *cluster) misplaced(text, token string, expands netpol.Match, at verdict.Origin) {
	const address = "192.0.2.1/32"
	f := hba.Parse([]hba.Source{{Text: strings.Replace(text, token, address, 1)}}, c.server.Version)
	if len(f.Records) != 1 || f.Records[0].Address.String() == address {
		return
	}
	u := snapshot.Unheeded{How: snapshot.Overruled, Field: "the line", Origin: at,
		Why: token + " does not stand in the address field: the operator writes addresses in its place, and no database and no role is called so",
		Fix: "write it in the address field"}
	if expands == netpol.Unsure {
		u.Fact = theRelease
	}
	c.heed(u)
}

// fixed notes the parameters that are the operator's own: the webhook refuses a Cluster
// that sets one, and without the webhook the value is left out [cnpg
// pkg/postgres/configuration.go@1.30.0]. Those of told have been noted.
func (c *cluster) fixed(told []string) {
	for _, name := range slices.Sorted(maps.Keys(c.spec.PostgreSQL.Parameters)) {
		if !slices.Contains(fixedParameters, name) || slices.Contains(writtenByWebhook, name) || slices.Contains(told, name) {
			continue
		}
		c.reserved(name, c.at("spec.postgresql.parameters%s", object.Key(false, name)), c.unvalidated())
	}
}

// reserved notes a parameter that a user may not set.
func (c *cluster) reserved(name string, at verdict.Origin, unvalidated bool) {
	u := snapshot.Unheeded{How: snapshot.Refused, Field: name, Why: "the parameter is the operator's own, and its webhook refuses the object", Origin: at}
	if unvalidated {
		u.How, u.Why = snapshot.Overruled, "the parameter is the operator's own, and what a user writes is left out"
	}
	c.heed(u)
}

// numbers notes parameters that are no strings, which the definition asks for, and
// returns their names. YAML reads 0700 as an octal number.
func (c *cluster) numbers() (told []string) {
	var in struct {
		Spec map[string]any `json:"spec"`
	}
	d := json.NewDecoder(bytes.NewReader(c.obj.JSON))
	d.UseNumber()
	if d.Decode(&in) != nil {
		return nil // which has been said of the whole object
	}
	parameters, _ := at(in.Spec, "postgresql.parameters").(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		value, isNumber := parameters[name].(json.Number)
		if !isNumber {
			continue
		}
		why, fix := "values of parameters are strings, and the API server refuses the object over a number", fmt.Sprintf("put it in quotes: %s: %q", name, value)
		if n, err := strconv.ParseUint(value.String(), 10, 64); err == nil && octal[name] {
			why += fmt.Sprintf(": without quotes YAML reads %s, the mode %#o", value, n)
			fix = fmt.Sprintf("put it in quotes: %s: \"%#o\"", name, n)
		}
		if slices.Contains(fixedParameters, name) {
			fix = "take it away: in quotes the webhook refuses it, since the operator sets it itself"
		}
		c.heed(snapshot.Unheeded{How: snapshot.Refused, Field: name, Why: why, Fix: fix, Origin: c.at("spec.postgresql.parameters%s", object.Key(false, name))})
		told = append(told, name)
	}
	return told
}

// octal are the parameters whose values people write with a leading zero.
var octal = map[string]bool{"unix_socket_permissions": true, "log_file_mode": true}

// contested are the labels that the operator finds its pods by and that the user wants
// to set.
func (c *cluster) contested() (out []string) {
	for _, k := range []string{clusterLabel, instanceLabel, podRoleLabel, roleLabel, oldRoleLabel} {
		if _, ok := c.spec.InheritedMetadata.Labels[k]; ok {
			out = append(out, k)
		}
	}
	return out
}

// unheeded notes what does not happen of a Pooler: only some parameters are taken [cnpg
// internal/webhook/v1/pooler_webhook.go@1.30.0].
func (p *pooler) unheeded(c *cluster) {
	if p.spec.ServiceAccountName != "" {
		c.newer(version{1, 29, 0}, "spec.serviceAccountName", "the pods run as ServiceAccount "+p.obj.Name, p.obj.Origin().At("spec.serviceAccountName"))
	}
	for _, name := range slices.Sorted(maps.Keys(p.spec.PgBouncer.Parameters)) {
		if !slices.Contains(bouncerParameters, name) {
			c.reserved(name, p.obj.Origin().At("spec.pgbouncer.parameters%s", object.Key(false, name)), p.obj.Annotations[validation] == "disabled")
		}
	}
}

// bouncerParameters are those of PgBouncer that a Pooler may set.
var bouncerParameters = []string{
	"application_name_add_host", "auth_type", "autodb_idle_timeout", "cancel_wait_timeout", "client_idle_timeout",
	"client_login_timeout", "client_tls_sslmode", "default_pool_size", "disable_pqexec", "dns_max_ttl", "dns_nxdomain_ttl",
	"idle_transaction_timeout", "ignore_startup_parameters", "listen_backlog", "log_connections", "log_disconnections",
	"log_pooler_errors", "log_stats", "max_client_conn", "max_db_connections", "max_packet_size", "max_prepared_statements",
	"max_user_connections", "min_pool_size", "pkt_buf", "query_timeout", "query_wait_timeout", "reserve_pool_size",
	"reserve_pool_timeout", "sbuf_loopcnt", "server_check_delay", "server_check_query", "server_connect_timeout",
	"server_fast_close", "server_idle_timeout", "server_lifetime", "server_login_retry", "server_reset_query",
	"server_reset_query_always", "server_round_robin", "server_tls_ciphers", "server_tls_protocols", "server_tls_sslmode",
	"stats_period", "suspend_timeout", "tcp_defer_accept", "tcp_socket_buffer", "tcp_keepalive", "tcp_keepcnt", "tcp_keepidle",
	"tcp_keepintvl", "tcp_user_timeout", "track_extra_parameters", "verbose",
}
