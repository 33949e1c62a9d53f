package cnpg

import (
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/worldtest"
)

func TestAdapt(t *testing.T) { worldtest.Run(t, Adapt) }

func TestImageMajor(t *testing.T) {
	for image, want := range map[string]int{
		"ghcr.io/cloudnative-pg/postgresql:17.5-standard-bookworm": 17,
		"ghcr.io/cloudnative-pg/postgresql:18@sha256:abc":          18,
		"registry:5000/pg/postgresql:16":                           16,
		"registry:5000/pg/postgresql":                              0,
		"postgresql:latest":                                        0,
		"postgresql:2024.01":                                       0,
		"":                                                         0,
	} {
		if got := imageMajor(image); got != want {
			t.Errorf("%s: %d, want %d", image, got, want)
		}
	}
}
