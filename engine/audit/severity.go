package audit

import "fmt"

// Severity says how bad a finding is. The zero value is none of them.
type Severity uint8

// The severities, from what is worth knowing to what cannot wait.
const (
	NoSeverity Severity = iota
	Low
	Medium
	High
	Critical
)

// Severities lists them, the worst first, as reports do.
var Severities = []Severity{Critical, High, Medium, Low}

var severityNames = map[Severity]string{
	NoSeverity: "none", Low: "low", Medium: "medium", High: "high", Critical: "critical"}

// String returns the word; it is also the JSON form.
func (s Severity) String() string { return severityNames[s] }

// MarshalText makes the severity a word in JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseSeverity reads the words that String writes.
func ParseSeverity(word string) (Severity, error) {
	for _, s := range Severities {
		if s.String() == word {
			return s, nil
		}
	}
	return NoSeverity, fmt.Errorf("severity %q: want low, medium, high or critical", word)
}
