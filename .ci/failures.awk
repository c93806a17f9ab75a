# What somebody needs of the output of `go test -v ./...` who wants to know why it failed: of each package that did, what its failed tests said, the
# data races, and of a panic or a timeout the goroutines in which our own code stands, those of tests first.

function begin_package() {
  test = ""; in_race = 0; races = 0; in_panic = 0; head = ""; paragraph = ""; tests = ""; ours = ""; others = 0; failures = 0; last = 0
  split("", said); split("", lines); split("", failed); split("", tail)
}

# keep_goroutine sorts a goroutine into those of tests, those of our code and the rest, and shortens it.
function keep_goroutine() {
  if (paragraph ~ /_test\.go:/) tests = tests paragraph "\n"
  else if (paragraph ~ /musterid\/muster\//) ours = ours paragraph "\n"
  else if (paragraph != "") others++
  paragraph = ""; paragraph_lines = 0
}

function print_package(  i) {
  print "\n---- " package
  for (i = 1; i <= failures; i++) printf "--- FAIL: %s\n%s", failed[i], said[failed[i]]
  if (race_text != "") printf "%s", race_text
  if (in_panic) {
    keep_goroutine()
    printf "%s\n%s%s(and %d goroutines without code of ours)\n", head, tests, ours, others
  }
  if (!failures && !in_panic && race_text == "")
    for (i = last > 60 ? last - 59 : 1; i <= last; i++) print tail[i % 60]
}

BEGIN { begin_package() }

/^(ok|\?) / { begin_package(); race_text = ""; next }
/^FAIL\t/ { package = $2; print_package(); begin_package(); race_text = ""; next }
/^# / || /^[^ \t]+\.go:[0-9]+:[0-9]+: / { print; next } # what does not compile

in_panic == 2 && /^$/ { keep_goroutine(); next }
in_panic == 2 { if (paragraph_lines++ < 40) paragraph = paragraph $0 "\n"; next }
in_panic == 1 && /^goroutine / { in_panic = 2; paragraph = $0 "\n"; paragraph_lines = 1; next }
in_panic == 1 { head = head $0 "\n"; next }
/^(panic: |fatal error: |SIGQUIT)/ { in_panic = 1; head = $0 "\n"; next }

/^(==================|FAIL|PASS)$/ && !in_race { next }
/^WARNING: DATA RACE/ { in_race = 1; races++ }
in_race { if (races <= 5) race_text = race_text $0 "\n"; if (/^==================/) in_race = 0; next }

/^=== (RUN|NAME|CONT) / { test = $3; next }
/^ *(=== |--- (PASS|SKIP))/ { next }
/^ *--- FAIL: / { failed[++failures] = $3; next }
{ if (lines[test]++ < 100) said[test] = said[test] $0 "\n"; tail[++last % 60] = $0 }

END { if (in_panic || failures || race_text != "") { package = "a package that did not end"; print_package() } }
