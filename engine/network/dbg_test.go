package network
import ("testing";"github.com/pgmoat/pgmoat/internal/worldgen")
func TestDbg(t *testing.T){ c:=New(worldgen.World(20,worldgen.Taste{Doubt:true})).Connections(); for l:=range c.All(){ if l.From.Namespace=="b" {t.Log(l.From.Ref,l.From.CIDR,"->",l.To.Ref,l.To.CIDR,l.All,l.Ports)}}}
