package overlay

// Keep adds to data the fields at the paths that old has and data has not.
func Keep(old, data []byte, paths ...[]string) ([]byte, error) {
	for _, path := range paths {
		was, err := find(old, path)
		if err != nil {
			return nil, err
		}
		if was.depth < len(path) {
			continue
		}
		if data, err = added(data, path, was.value); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// KeepStatus gives data the status of old, whatever it says itself: who applies a manifest
// does not set that.
func KeepStatus(old, data []byte) ([]byte, error) {
	status, err := find(old, []string{"status"})
	if err != nil || status.depth == 0 {
		return data, err
	}
	return set(data, []string{"status"}, status.value)
}
