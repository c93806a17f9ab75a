package cli

import (
	"strings"

	"github.com/alecthomas/kong"
)

const overview = `Muster brings people in and gets their accounts made.

First steps:

  muster demo                                  see it work, offline
  muster serve                                 run a server; its data is in ./muster-data
  muster targets add rehearsal practice        a target that only rehearses
  muster import people.csv --preview           what would become of a file
  muster import people.csv                     bring the people in, and make their accounts

Commands other than serve and demo talk to a running server. On its own machine they find the admin key
in its data folder; elsewhere, set MUSTER_URL and MUSTER_KEY.

Exit codes: 0 all done, 1 failed, 2 usage, 3 finished with failed items, 4 held.`

// usage are command lines that work, for each command. A test reads every one of them with the parser.
var usage = map[string]string{
	"serve": `muster serve
muster serve --data /var/lib/muster --listen :8080
muster serve --database postgres://muster@db.example.org/muster`,
	"demo": `muster demo
muster demo --exit
muster demo --listen 127.0.0.1:9000`,
	"doctor": `muster doctor
muster doctor --url https://muster.example.org`,
	"version": `muster version
muster version --json`,
	"import": `muster import people.csv
muster import people.csv --preview
muster import pupils.xlsx --sheet 6A --map "Class teacher=-" --map "Mail=email" --yes
muster import staff.csv --source hr --result staff-result.csv
muster import - --mode update --name nightly`,

	"batches list": `muster batches list
muster batches list --kind all
muster batches list --state held --json`,
	"batches show":    `muster batches show 0199f3c2-7c1e-7c8a-8000-000000000001`,
	"batches items":   `muster batches items 0199f3c2-7c1e-7c8a-8000-000000000001 --state failed`,
	"batches watch":   `muster batches watch 0199f3c2-7c1e-7c8a-8000-000000000001`,
	"batches plan":    `muster batches plan 0199f3c2-7c1e-7c8a-8000-000000000001`,
	"batches run":     `muster batches run 0199f3c2-7c1e-7c8a-8000-000000000001`,
	"batches release": `muster batches release 0199f3c2-7c1e-7c8a-8000-000000000001`,
	"batches cancel":  `muster batches cancel 0199f3c2-7c1e-7c8a-8000-000000000001`,
	"batches retry":   `muster batches retry 0199f3c2-7c1e-7c8a-8000-000000000001`,
	"batches result":  `muster batches result 0199f3c2-7c1e-7c8a-8000-000000000001 -o result.csv`,

	"people list": `muster people list
muster people list --name sou --state active
muster people list --below 6A --json`,
	"people show": `muster people show ana.souza001
muster people show ana@example.org --json`,
	"people add":      `muster people add first_name=Ana last_name=Souza email=ana@example.org`,
	"people set":      `muster people set ana.souza001 department=Sales phones.work=+33612345678 nickname=`,
	"people retire":   `muster people retire ana.souza001 --reason "left in July"`,
	"people restore":  `muster people restore ana.souza001`,
	"people delete":   `muster people delete ana.souza001`,
	"people password": `muster people password ana.souza001`,
	"people history":  `muster people history ana.souza001`,

	"units list": `muster units list
muster units list --kind establishment`,
	"units show":    `muster units show establishment:0750001A`,
	"units add":     `muster units add class 6A "Class 6A" --parent establishment:0750001A`,
	"units set":     `muster units set class:6A --name "Class 6 A"`,
	"units delete":  `muster units delete class:6A`,
	"units members": `muster units members class:6A`,
	"units join":    `muster units join class:6A ana.souza001 --title teacher`,
	"units leave":   `muster units leave class:6A ana.souza001`,

	"groups list":    `muster groups list`,
	"groups show":    `muster groups show teachers`,
	"groups add":     `muster groups add teachers "All teachers"`,
	"groups set":     `muster groups set teachers --label "Teachers"`,
	"groups delete":  `muster groups delete teachers`,
	"groups members": `muster groups members teachers`,
	"groups join":    `muster groups join teachers ana.souza001`,
	"groups leave":   `muster groups leave teachers ana.souza001`,

	"usernames preview": `muster usernames preview Ana Souza`,

	"targets kinds": `muster targets kinds
muster targets kinds ldap`,
	"targets list": `muster targets list`,
	"targets add": `muster targets add rehearsal practice
muster targets add ldap directory --set url=ldaps://ldap.example.org --set bind_dn=cn=muster,dc=example,dc=org --set bind_password=@/run/secrets/ldap`,
	"targets show":   `muster targets show practice`,
	"targets set":    `muster targets set practice --set latency_ms=50 --set policy.concurrency=4`,
	"targets look":   `muster targets look practice`,
	"targets check":  `muster targets check practice`,
	"targets pause":  `muster targets pause practice`,
	"targets resume": `muster targets resume practice`,
	"targets delete": `muster targets delete practice`,

	"accounts list": `muster accounts list
muster accounts list --target practice --state failed
muster accounts list --person ana.souza001`,
	"accounts show":    `muster accounts show 0199f3c2-7c1e-7c8a-8000-000000000001`,
	"accounts remind":  `muster accounts remind 0199f3c2-7c1e-7c8a-8000-000000000001`,
	"accounts deliver": `muster accounts deliver 0199f3c2-7c1e-7c8a-8000-000000000001`,

	"keys create": `muster keys create secretary --scope write
KEY=$(muster keys create nightly --scope write --expires 90d --plain)`,
	"keys list":   `muster keys list`,
	"keys revoke": `muster keys revoke nightly`,

	"tenants list":   `muster tenants list`,
	"tenants create": `muster tenants create lycee-b "Lycée B"`,
	"tenants show": `muster tenants show
muster tenants show lycee-b`,
	"tenants set": `muster tenants set lycee-b --set limits.percent=20 --name "Lycée Berthelot"`,
	"tenants trust": `muster tenants trust own https://sso.example.org/realms/school --audience muster --target keycloak
muster tenants trust lycee-b http://10.0.0.5:8080/realms/b --audience muster --admin-role - --allow 10.0.0.5`,
	"tenants distrust": `muster tenants distrust own https://sso.example.org/realms/school`,
}

// attachExamples puts the examples into the help of their commands.
func attachExamples(root *kong.Node) {
	for _, leaf := range root.Leaves(true) {
		if text, ok := usage[commandPath(leaf)]; ok {
			leaf.Detail = strings.TrimPrefix(leaf.Detail+"\n\n"+"Examples:\n\n    "+strings.ReplaceAll(text, "\n", "\n    "), "\n\n")
		}
	}
}

// commandPath is a command without the program's name and its arguments.
func commandPath(n *kong.Node) string {
	var words []string
	for ; n != nil && n.Type == kong.CommandNode; n = n.Parent {
		words = append([]string{n.Name}, words...)
	}
	return strings.Join(words, " ")
}
