package cli

import "github.com/spf13/cobra"

func (a *app) hbaDiff() *cobra.Command { return &cobra.Command{Use: "diff"} }
