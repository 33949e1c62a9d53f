//go:build linux

package postgres

import "github.com/pgmoat/pgmoat/adapter/hbacase"

// What is compared with the servers.
var (
	evaluate      = hbacase.Evaluate
	evaluateRules = func(c hbacase.Case) hbacase.Rules {
		r, err := hbacase.EvaluateRules(c)
		if err != nil {
			r.Load.HBA = "the model refuses the case: " + err.Error()
		}
		return r
	}
)
