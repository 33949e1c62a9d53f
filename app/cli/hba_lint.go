package cli

import "github.com/spf13/cobra"

func (a *app) hbaLint() *cobra.Command { return &cobra.Command{Use: "lint"} }
