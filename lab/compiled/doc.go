// Package compiled asks the kernel and real servers about what was compiled: packets under
// the policies, sessions under pg_hba.conf and pg_ident.conf, and clients of a PgBouncer.
// All of it is tests; docs/lab.md tells what they compare.
package compiled
