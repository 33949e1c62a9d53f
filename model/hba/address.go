package hba

import "net/netip"

// An Address is the address field of a record. The zero value matches nothing.
type Address struct {
	Kind AddressKind
	// Base and Mask are set for Net: an address matches when (it XOR Base) AND Mask
	// is zero (PostgreSQL ifaddr.c). Mask may be any bit pattern.
	Base, Mask netip.Addr
	// Name is set for HostName; ".example.com" is a suffix.
	Name string
}

// AddressKind is the form of an address field.
type AddressKind uint8

// The forms.
const (
	NoAddress AddressKind = iota
	AnyAddress
	Net
	SameHost
	SameNet
	HostName
)
