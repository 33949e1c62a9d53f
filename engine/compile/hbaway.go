package compile

import (
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/model/snapshot"
)

// An hbaWay is how an operator takes lines of pg_hba.conf, and what else of a server is
// written in its object.
type hbaWay struct {
	apiVersion string
	// lines is the field that takes them. rules is another one, whose items are maps with
	// the line under "hba"; they come before those of lines.
	lines, rules []string
	// maps is the field that takes lines of pg_ident.conf; nil where there is none.
	maps []string
	// parameters is the field that takes PostgreSQL's; nil where there is none.
	parameters []string
	// whole says that the field is the whole file. Otherwise the operator writes lines of
	// its own before and after it.
	whole bool
	// inside are the lines of the default file that sessions inside the pods need, for one
	// that somebody replaced without them.
	inside []string
	// yields says that nothing of the operator's follows where there is a line: its default
	// is gone.
	yields bool
	// ruleLimit and ruleLength are how many rules there may be, and how long; zero for no
	// limit. rulesSince is the release that brought them.
	ruleLimit, ruleLength int
	rulesSince            release
	// expands begins what the operator, or Kubernetes, replaces in a line: a name that has
	// it would become another.
	expands string
}

// Where lines go: [cnpg pkg/postgres/configuration.go@1.30.0], [sg
// F/cluster/patroni/PatroniConfigEndpoints.java@1.18.6], [zal
// pkg/cluster/k8sres.go@1.15.1], [pgo
// internal/controller/postgrescluster/postgres.go generatePostgresHBAs@6.0.3], [percona
// internal/patroni/config.go DynamicConfiguration@3.0.0].
var hbaWays = map[string]hbaWay{
	"cloudnative-pg": {
		apiVersion: "postgresql.cnpg.io/v1", lines: fieldPath("spec.postgresql.pg_hba"), maps: fieldPath("spec.postgresql.pg_ident"),
		parameters: fieldPath("spec.postgresql.parameters"), expands: "${",
	},
	"stackgres": {
		apiVersion: "stackgres.io/v1", lines: fieldPath("spec.configurations.patroni.dynamicConfig.postgresql.pg_hba"),
		parameters: append(fieldPath("spec.configurations.postgres"), "postgresql.conf"),
	},
	"zalando": {
		apiVersion: "acid.zalan.do/v1", lines: fieldPath("spec.patroni.pg_hba"),
		parameters: fieldPath("spec.postgresql.parameters"), whole: true, expands: "$(",
		// [spilo postgres-appliance/scripts/configure_spilo.py@7cb50bd]
		inside: []string{"local all all trust", "host all all 127.0.0.1/32 md5", "host all all ::1/128 md5"},
	},
	"crunchy": {
		apiVersion: "postgres-operator.crunchydata.com/v1beta1", lines: fieldPath(patroniPath + ".pg_hba"), maps: fieldPath(patroniPath + ".pg_ident"),
		parameters: fieldPath(patroniPath + ".parameters"), rules: fieldPath("spec.authentication.rules"), yields: true,
		ruleLimit: 10, ruleLength: 100, rulesSince: release{6, 0},
	},
	"percona": {
		apiVersion: "pgv2.percona.com/v2", lines: fieldPath(patroniPath + ".pg_hba"), maps: fieldPath(patroniPath + ".pg_ident"),
		parameters: fieldPath(patroniPath + ".parameters"), rules: fieldPath("spec.authentication.rules"), yields: true,
		rulesSince: release{2, 9},
	},
}

const patroniPath = "spec.patroni.dynamicConfiguration.postgresql"

// fieldPath cuts a path whose keys have no dots.
func fieldPath(text string) []string { return strings.Split(text, ".") }

// inField reports whether an origin is an entry of a field, and not a line of the
// operator's.
func inField(object, field string, path []string) bool {
	return object != "" && path != nil && strings.HasPrefix(field, strings.Join(path, ".")+"[")
}

// A release is an operator's, major and minor.
type release struct{ major, minor int }

// releaseIs reports whether an operator is known to be of a release, or of a newer one.
func releaseIs(s *snapshot.Server, since release) bool {
	parts := strings.Split(strings.TrimPrefix(s.OperatorVersion, "v"), ".")
	if len(parts) < 2 {
		return false
	}
	major, err := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(parts[1])
	return err == nil && errMinor == nil && (major > since.major || major == since.major && minor >= since.minor)
}
