package render

import (
	"fmt"
	"path"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
)

// renderChart renders a chart in this process as "helm template --include-crds" does,
// without a cluster and without resolving names. The documents are those of crds/, then the
// objects in the order in which helm creates them, then what only a hook would create, with
// Hook set. Errors name the file in the tree.
func renderChart(c *Chart, _ Limits) ([]Document, error) {
	loaded, err := loadChart(c)
	if err != nil {
		return nil, err
	}
	if err := loaded.installable(); err != nil {
		return nil, err
	}
	top, err := loaded.values(c)
	if err != nil {
		return nil, loaded.secrets(c).hide(err)
	}
	// The zero engine has no client, so lookup finds nothing, and it resolves no names.
	var e engine.Engine
	rendered, err := e.Render(loaded.root, top)
	if err != nil {
		return nil, loaded.because(loaded.inTree(loaded.secrets(c).hide(err)))
	}
	documents, err := loaded.documents(rendered, c.SkipCRDs)
	if err != nil {
		return nil, loaded.secrets(c).hide(err)
	}
	return documents, nil
}

// values returns what templates see, .Values, .Release and the rest, and leaves out of the
// chart the dependencies that the values switch off.
func (l *loadedChart) values(c *Chart) (common.Values, error) {
	if err := chartutil.ValidateReleaseName(c.Release); err != nil {
		return nil, fmt.Errorf("release name %q: %w", c.Release, err)
	}
	given, err := c.given()
	if err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(l.root, given); err != nil {
		return nil, l.inTree(fmt.Errorf("dependencies: %w", err))
	}
	if err := l.place(l.root); err != nil {
		return nil, err
	}
	capabilities, err := c.capabilities(l.root.Metadata)
	if err != nil {
		return nil, err
	}
	if err := l.closed(l.root); err != nil {
		return nil, err
	}
	release := common.ReleaseOptions{Name: c.Release, Namespace: c.Namespace, Revision: 1, IsInstall: true}
	top, err := util.ToRenderValues(l.root, given, release, capabilities)
	if err != nil {
		return nil, l.inTree(err)
	}
	return top, nil
}

// capabilities are the library's own, which is what "helm template" says without a cluster,
// and what the caller knows beside. A chart may ask for a version of Kubernetes.
func (c *Chart) capabilities(meta *chart.Metadata) (*common.Capabilities, error) {
	said := common.DefaultCapabilities.Copy()
	if c.KubeVersion != "" {
		version, err := common.ParseKubeVersion(c.KubeVersion)
		if err != nil {
			return nil, fmt.Errorf("kube version %q: %w", c.KubeVersion, err)
		}
		said.KubeVersion = *version
	}
	// The copy shares its slice with every other one.
	said.APIVersions = append(said.APIVersions[:len(said.APIVersions):len(said.APIVersions)], c.APIVersions...)
	if asked := meta.KubeVersion; asked != "" && !chartutil.IsCompatibleRange(asked, said.KubeVersion.String()) {
		return nil, fmt.Errorf("%s: kubeVersion: the chart asks for %s, and this is %s",
			path.Join(c.Dir, chartutil.ChartfileName), asked, said.KubeVersion.Version)
	}
	return said, nil
}

// installable refuses what helm does not install: a library, and a chart without all its
// dependencies, of which helm too looks at the chart's own only.
func (l *loadedChart) installable() error {
	meta, file := l.root.Metadata, path.Join(l.dir, chartutil.ChartfileName)
	if meta.APIVersion != chart.APIVersionV1 && meta.APIVersion != chart.APIVersionV2 {
		return fmt.Errorf("%s: apiVersion: %q is not one that helm installs", file, meta.APIVersion)
	}
	if meta.Type != "" && meta.Type != "application" {
		return fmt.Errorf("%s: type: %s charts are not installable", file, meta.Type)
	}
	if err := l.missing(); err != nil {
		return err
	}
	return l.ambiguous(l.root)
}
