package netpol

// A Tier is a group of policies that is asked as a whole, after the tiers before it.
// The API's order is Admin, NetworkPolicy, Baseline (ClusterNetworkPolicySpec.tier).
type Tier uint8

// The tiers; the zero value is the one of NetworkPolicy.
const (
	Namespaced Tier = iota
	Admin
	Baseline
)

// Tiers lists them in the order they are asked.
var Tiers = []Tier{Admin, Namespaced, Baseline}

// String returns "Admin", "NetworkPolicy" or "Baseline", as the API writes them.
func (t Tier) String() string {
	switch t {
	case Admin:
		return "Admin"
	case Baseline:
		return "Baseline"
	default:
		return "NetworkPolicy"
	}
}

// MarshalText writes the API's name.
func (t Tier) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// IsOrdered reports whether the first matching rule of the tier acts, by priority and
// then by place. Policies of a tier that is not ordered isolate and add up instead.
func (t Tier) IsOrdered() bool { return t != Namespaced }

// An Action is what a rule does with what it matches. The zero value is none.
type Action uint8

// The actions of ClusterNetworkPolicyRuleAction; AdminNetworkPolicy writes Allow for Accept.
const (
	NoAction Action = iota
	// Accept lets the connection through, whatever later rules and tiers say.
	Accept
	// Deny refuses it, whatever later rules and tiers say.
	Deny
	// Pass leaves it to the next tier.
	Pass
)

// String returns "Accept", "Deny", "Pass" or "none".
func (a Action) String() string {
	switch a {
	case Accept:
		return "Accept"
	case Deny:
		return "Deny"
	case Pass:
		return "Pass"
	default:
		return "none"
	}
}

// MarshalText writes the API's name.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }
