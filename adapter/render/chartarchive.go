package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
)

// ChartArchive unpacks a packaged chart, a .tgz, and returns its files below the archive's
// own name, as Chart.Files wants them with the name for Chart.Dir. It bounds them as helm
// does, and refuses archives with links, with a file twice, and with paths that lead out.
func ChartArchive(name string, packed []byte) (map[string][]byte, error) {
	unpacked, err := unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	files := make(map[string][]byte, len(unpacked))
	for _, f := range unpacked {
		files[path.Join(name, f.Name)] = f.Data
	}
	return files, nil
}

// unpack unpacks an archive with helm's own loader.
func unpack(packed []byte) ([]*archive.BufferedFile, error) {
	if err := inspect(packed); err != nil {
		return nil, err
	}
	files, err := archive.LoadArchiveFiles(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, f := range files {
		if seen[f.Name] {
			return nil, fmt.Errorf("%s is in the archive twice", f.Name)
		}
		seen[f.Name] = true
	}
	return files, nil
}

// inspect reads the archive once without keeping anything. Helm's loader bounds the files,
// but not how many empty ones there are, and it takes a link for an empty file.
func inspect(packed []byte) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("not a packaged chart: %w", err)
	}
	// Names and padding come to the files.
	bounded := &io.LimitedReader{R: unzipped, N: archive.MaxDecompressedChartSize + maxFiles*1024}
	for in, n := tar.NewReader(bounded), 0; ; n++ {
		h, err := in.Next()
		if bounded.N == 0 || n > maxFiles {
			return tooMuch("files")
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("not a packaged chart: %w", err)
		case h.Size > archive.MaxDecompressedFileSize:
			return fmt.Errorf("%s: %d bytes, and helm takes no file of a chart with more than %d",
				h.Name, h.Size, archive.MaxDecompressedFileSize)
		}
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeDir, tar.TypeXGlobalHeader:
		default:
			return fmt.Errorf("%s: neither a file nor a folder", h.Name)
		}
	}
}
