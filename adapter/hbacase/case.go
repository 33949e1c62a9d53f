// Package hbacase is the JSON Lines form in which one server with its files and one
// attempt are asked about, and answered: of our model as of a real server, so that
// anyone can compare the two.
package hbacase

import "encoding/json"

// A Case is one line of input.
type Case struct {
	// ID is given back as it came; any JSON value.
	ID     json.RawMessage `json:"id"`
	Server Server          `json:"server"`
	// Attempt is absent where only the files are asked about.
	Attempt *Attempt `json:"attempt,omitempty"`
}

// A Server is what decides an attempt besides the attempt itself.
type Server struct {
	// Version is the major version, 13 to 18.
	Version int `json:"version"`
	// SSL is the setting ssl; ClientCA says that ssl_ca_file is set.
	SSL      bool `json:"ssl"`
	ClientCA bool `json:"clientCA"`
	// PasswordEncryption is the setting; "" is the version's default: md5 in 13,
	// scram-sha-256 from 14 on.
	PasswordEncryption string `json:"passwordEncryption,omitempty"`
	// Features are what the server was built with: openssl, gssapi, ldap, pam, bsd,
	// sspi. Absent: the first four, as in Debian's packages.
	Features []string `json:"features"`
	// Interfaces are the server's addresses, each with its network's length.
	// Absent: loopback alone.
	Interfaces []string `json:"interfaces"`
	// DNS is all that the server's resolver knows, and Hosts the text of its
	// /etc/hosts, which is asked first. Hosts absent: localhost has its usual
	// addresses.
	DNS   DNS     `json:"dns"`
	Hosts *string `json:"hosts,omitempty"`

	Roles       []Role       `json:"roles"`
	Memberships []Membership `json:"memberships"`
	Databases   []string     `json:"databases"`
	// Files are the files by their path in Dir; the configuration is in pg_hba.conf
	// and pg_ident.conf. A path that ends in a slash is an empty directory.
	Files map[string]string `json:"files"`
	// Dir is the directory of the files, which ${DIR} in a file stands for.
	Dir string `json:"dir"`
	// OAuthValidators is the setting oauth_validator_libraries (18).
	OAuthValidators []string `json:"oauthValidators,omitempty"`
}

// DNS is what a resolver knows: names of addresses and addresses of names.
type DNS struct {
	PTR  map[string]string   `json:"ptr"`
	A    map[string][]string `json:"a"`
	AAAA map[string][]string `json:"aaaa"`
}

// A Role is one of the server's.
type Role struct {
	Name        string `json:"name"`
	Login       bool   `json:"login"`
	Superuser   bool   `json:"superuser"`
	Replication bool   `json:"replication"`
	CreateRole  bool   `json:"createrole"`
	// Password is the kind of stored secret, "scram-sha-256" or "md5"; null: none.
	Password *string `json:"password"`
	// Expired says that the secret's time is over (VALID UNTIL).
	Expired bool `json:"expired"`
}

// A Membership makes Member a member of Role. The options of the grant do not
// matter to pg_hba.conf.
type Membership struct {
	Role    string `json:"role"`
	Member  string `json:"member"`
	Admin   bool   `json:"admin"`
	Inherit bool   `json:"inherit"`
	Set     bool   `json:"set"`
}

// An Attempt is one connection, up to the server's first answer.
type Attempt struct {
	// Type is "host" or "local".
	Type string `json:"type"`
	// TLS asks for TLS before anything else; GSS asks for GSSAPI encryption.
	TLS bool `json:"tls"`
	GSS bool `json:"gss"`
	// ClientCert is sent in the TLS handshake; null: none.
	ClientCert *ClientCert `json:"clientCert"`
	User       string      `json:"user"`
	// Database is null where the startup packet names none.
	Database *string `json:"database"`
	Address  string  `json:"address"`
	// Replication is the parameter of that name: a boolean or the text that is sent.
	Replication Replication `json:"replication"`
	// OSUser is the operating system's user at the other end of the socket, and
	// IdentUser what an ident server on the client's host answers; "" for neither.
	OSUser    string `json:"osUser"`
	IdentUser string `json:"identUser"`
}

// A ClientCert is a client's certificate.
type ClientCert struct {
	// Subject is the distinguished name, first RDN first: "/O=Acme/CN=alice".
	Subject string `json:"subject"`
	// Trusted says that a CA of ssl_ca_file signed it.
	Trusted bool `json:"trusted"`
}

// Replication is the startup parameter: Sent as Text, or not sent at all.
type Replication struct {
	Sent bool
	Text string
}

// UnmarshalJSON reads false (not sent), true, or the text.
func (r *Replication) UnmarshalJSON(data []byte) error {
	var flag bool
	if json.Unmarshal(data, &flag) == nil {
		*r = Replication{}
		if flag {
			*r = Replication{Sent: true, Text: "true"}
		}
		return nil
	}
	r.Sent = true
	return json.Unmarshal(data, &r.Text)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (r Replication) MarshalJSON() ([]byte, error) {
	switch {
	case !r.Sent:
		return []byte("false"), nil
	case r.Text == "true":
		return []byte("true"), nil
	}
	return json.Marshal(r.Text)
}

// An Answer is one line of output: what the client sees first.
type Answer struct {
	ID json.RawMessage `json:"id"`
	// Outcome is one of trust, cert-ok, peer-ok, ident-ok, scram, oauth, md5,
	// password, gss, reject, no-entry, cert-required, cert-fail, peer-fail,
	// ident-fail, no-root-store, error, tls-fail, ssl-refused, unknown.
	Outcome string `json:"outcome"`
	// File and Line are the place of the record that decided, the first physical
	// line; null where none matched.
	File *string `json:"file"`
	Line *int    `json:"line"`
	// Method is the record's; null without a record. Options are its options as
	// pg_hba_file_rules shows them.
	Method  *string  `json:"method"`
	Options []string `json:"options"`
	// SQLState and Message are what the error says; null without an error.
	SQLState *string `json:"sqlstate"`
	Message  *string `json:"message"`
	// Reason is ours: why, in a code and words.
	Reason string `json:"reason"`
}

// Rules is one line of output where only the files were asked about.
type Rules struct {
	ID       json.RawMessage `json:"id"`
	Load     Load            `json:"load"`
	Rules    []Rule          `json:"rules"`
	Mappings []Mapping       `json:"mappings"`
}

// Load says what a server makes of each file: "loaded" or "rejected"; "unknown" where
// that depends on what a case does not tell.
type Load struct {
	HBA   string `json:"hba"`
	Ident string `json:"ident"`
}

// A Rule is one row of pg_hba_file_rules. RuleNumber and FileName are null before
// 16, and RuleNumber is for rows with an error.
type Rule struct {
	RuleNumber *int     `json:"rule_number"`
	FileName   *string  `json:"file_name"`
	LineNumber int      `json:"line_number"`
	Type       *string  `json:"type"`
	Database   []string `json:"database"`
	UserName   []string `json:"user_name"`
	Address    *string  `json:"address"`
	Netmask    *string  `json:"netmask"`
	AuthMethod *string  `json:"auth_method"`
	Options    []string `json:"options"`
	Error      *string  `json:"error"`
}

// A Mapping is one row of pg_ident_file_mappings (15 and later).
type Mapping struct {
	MapNumber  *int    `json:"map_number"`
	FileName   *string `json:"file_name"`
	LineNumber int     `json:"line_number"`
	MapName    *string `json:"map_name"`
	SysName    *string `json:"sys_name"`
	PGUserName *string `json:"pg_username"`
	Error      *string `json:"error"`
}
