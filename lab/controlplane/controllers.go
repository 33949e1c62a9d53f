//go:build linux

package controlplane

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Kubeconfig is a kubeconfig with one context, called lab, of the administrator.
func (c *Cluster) Kubeconfig() []byte {
	text := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: lab
clusters: [{name: lab, cluster: {server: %q, certificate-authority-data: %q}}]
users: [{name: admin, user: {client-certificate-data: %q, client-key-data: %q}}]
contexts: [{name: lab, context: {cluster: lab, user: admin}}]
`, c.URL, text(c.CA), text(c.AdminCertificate), text(c.AdminKey))
}

// Control starts the kube-controller-manager with the controllers of these names and no
// others, with its files and logs below dir. It ends with the cluster, and may be called once.
func (c *Cluster) Control(dir string, controllers ...string) error {
	bin, err := find()
	if err != nil {
		return err
	}
	kubeconfig := filepath.Join(dir, "controllers.kubeconfig")
	if err := os.WriteFile(kubeconfig, c.Kubeconfig(), 0o600); err != nil { //nolint:gosec // below the directory that the caller gave
		return err
	}
	c.controllers, err = start(filepath.Join(bin, "kube-controller-manager"), dir,
		"--kubeconfig="+kubeconfig, "--controllers="+strings.Join(controllers, ","),
		"--leader-elect=false", "--secure-port=0", "--use-service-account-credentials=false")
	return err
}
