package compile

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

func byCertificate(role string) intent.Entry {
	e := scram(role, "ledger")
	e.Authentication = intent.Certificate
	return e
}

// A certificate of another name logs in as the role by a map, and nobody else does.
func TestIdentMaps(t *testing.T) {
	for _, version := range []int{13, 15, 16, 18} {
		for _, role := range []string{"app", "Mixed Case", "all", "+group", "/slash"} {
			e := hbaEstateOf(shapes[0], version)
			e.server.TLS.Certificates = []snapshot.Certificate{{Use: role, Subject: "app.shop.example"}}
			e.access([]intent.Peer{rangesOf("192.0.2.0/24")}, byCertificate(role))
			maps := e.maps(t)
			file := e.result(t, e.compiled(t, HBA))
			i := slices.IndexFunc(file.Records, func(r hba.Record) bool { return r.Method == "cert" && r.Address.Kind == hba.Net })
			if i < 0 || file.Records[i].Map() == "" {
				t.Fatalf("%d, %q: no line asks for a map", version, role)
			}
			for subject, who := range map[string]string{"app.shop.example": role, "other": role, "app.shop.examples": role} {
				want := hba.No
				if subject == "app.shop.example" {
					want = hba.Yes
				}
				got := ident.Map(maps, file.Records[i].Map(), subject, hba.Named(who), func(string, string) hba.Match { return hba.No })
				if got.Match != want {
					t.Errorf("%d: %s as %q: %v", version, subject, who, got.Match)
				}
			}
			if got := ident.Map(maps, file.Records[i].Map(), "app.shop.example", hba.Named("postgres"), func(string, string) hba.Match { return hba.No }); got.Match != hba.No {
				t.Errorf("%d, %q: a map for everybody", version, role)
			}
		}
	}
}

// maps are the lines of spec.postgresql.pg_ident, read by the server's version.
func (e *hbaEstate) maps(t *testing.T) ident.File {
	t.Helper()
	var sources []hba.Source
	for _, text := range fieldTexts(t, e.compiled(t, Ident), "Cluster", "spec.postgresql.pg_ident") {
		sources = append(sources, hba.Source{Text: text})
	}
	f := ident.Parse(sources, e.server.Version)
	if len(f.Errors) > 0 {
		t.Fatalf("%q: %+v", sources, f.Errors)
	}
	return f
}

// Where the certificate has the role's name no map is needed, and none is touched.
func TestIdentWithoutMap(t *testing.T) {
	e := hbaEstateOf(shapes[0], 17)
	e.server.TLS.Certificates = []snapshot.Certificate{{Use: "app", Subject: "app"}}
	e.access([]intent.Peer{rangesOf("192.0.2.0/24")}, byCertificate("app"))
	if out := e.compiled(t, Ident); len(out.Artefacts) > 0 {
		t.Errorf("made %+v", out.Artefacts)
	}
	if got := fieldTexts(t, e.compiled(t, HBA), "Cluster", "spec.postgresql.pg_hba"); !slices.Contains(got, "hostssl ledger app 192.0.2.0/24 cert") {
		t.Errorf("lines are %q", got)
	}
}

// Lines for maps of the operator's stay; others go, and are told of. A Secret may hold the
// certificate, too.
func TestIdentKeepsWhatIsUsed(t *testing.T) {
	e := hbaEstateOf(shapes[0], 17)
	e.world.Secrets = []*snapshot.Secret{{Namespace: "db", Name: "app-cert", Certificates: []snapshot.SecretCertificate{
		{Key: "tls.crt", Subject: "svc-app"}, {Key: "ca.crt", Subject: "some CA", CA: true}}}}
	at := e.origin("spec.postgresql.pg_ident[0]")
	e.server.Maps = ident.Parse([]hba.Source{{Text: "local backup postgres", Origin: at}, {Text: "old a b", Origin: at}}, 17)
	to := byCertificate("app")
	to.Secret = "app-cert"
	e.access([]intent.Peer{rangesOf("192.0.2.0/24")}, to)
	out := e.compiled(t, Ident)
	got := fieldTexts(t, out, "Cluster", "spec.postgresql.pg_ident")
	if want := []string{`"local" backup postgres`, `"pgmoat-app" svc-app app`}; !slices.Equal(got, want) {
		t.Errorf("maps are %q", got)
	}
	if len(out.Notes) != 1 || !strings.Contains(out.Notes[0].Text, `"old"`) {
		t.Errorf("notes are %+v", out.Notes)
	}
}

// "map" is an option of cert alone; an operator without pg_ident.conf has none.
func TestIdentImpossible(t *testing.T) {
	e := hbaEstateOf(shapes[0], 17)
	e.server.TLS.Certificates = []snapshot.Certificate{{Use: "app", Subject: "svc-app"}}
	to := byCertificate("app")
	to.Authentication = intent.SCRAMAndCertificate
	e.access([]intent.Peer{rangesOf("192.0.2.0/24")}, to)
	if out := e.compiled(t, HBA); !out.hasGap("hba/no-map") {
		t.Errorf("gaps are %+v", out.Gaps)
	}
	e = hbaEstateOf(shapes[1], 17)
	e.server.TLS.Certificates = []snapshot.Certificate{{Use: "app", Subject: "svc-app"}}
	e.access([]intent.Peer{rangesOf("192.0.2.0/24")}, byCertificate("app"))
	if out := e.compiled(t, HBA); !out.hasGap("hba/no-map") || len(e.compiled(t, Ident).Artefacts) > 0 {
		t.Errorf("gaps are %+v", out.Gaps)
	}
	e.server.TLS.ClientCA = verdict.Deny
	if out := e.compiled(t, HBA); !out.hasGap("hba/no-client-ca") {
		t.Errorf("gaps are %+v", out.Gaps)
	}
}

// A plain server's maps are a file of their own, and a note says who has to read it.
func TestIdentPlain(t *testing.T) {
	e := hbaEstateOf(shapes[5], 17)
	e.server.TLS.Certificates = []snapshot.Certificate{{Use: "app", Subject: "svc-app"}}
	e.access([]intent.Peer{rangesOf("192.0.2.0/24")}, byCertificate("app"))
	out := e.compiled(t, Ident)
	data, _ := out.Artefacts[0].Object.Get("data").(artefact.Map)
	text, _ := data.Get("pg_ident.conf").(string)
	if out.Artefacts[0].Ref.String() != "ConfigMap db/ledger-pg-ident" || !strings.HasSuffix(text, "\n\"pgmoat-app\" svc-app app\n") || out.Notes[0].Code != "ident/mount" {
		t.Errorf("artefact is %+v", out.Artefacts[0])
	}
	e.server.TLS.Certificates[0].Subject = "/svc"
	if out := e.compiled(t, Ident); !out.hasGap("ident/name") || len(out.Artefacts) > 0 {
		t.Errorf("an expression is written: %+v", out)
	}
}
