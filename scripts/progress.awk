# Counts the packages that go build -v names, a line for every fifty; anything else
# it says is passed on.
/^[^ :#]+$/ { if (++n % 50 == 0) { print "build: " n " packages compiled"; fflush() }; next }
{ print }
END { if (n) print "build: " n " packages compiled" }
