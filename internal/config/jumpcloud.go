package config

import "github.com/musterid/muster"

// JumpCloud is how the JumpCloud surface is served.
type JumpCloud struct {
	Off  bool  `name:"no-jumpcloud" env:"MUSTER_NO_JUMPCLOUD" help:"Do not serve the JumpCloud API."`
	Rows int   `name:"jumpcloud-rows" env:"MUSTER_JUMPCLOUD_ROWS" placeholder:"N" default:"100000" help:"Most users of one bulk job."`
	Body int64 `name:"jumpcloud-body-bytes" env:"MUSTER_JUMPCLOUD_BODY_BYTES" placeholder:"N" default:"67108864" help:"Largest body of one bulk job, in bytes, after it was unpacked."`
	Days int   `name:"jumpcloud-job-days" env:"MUSTER_JUMPCLOUD_JOB_DAYS" placeholder:"N" default:"30" help:"How many days a bulk job and its results are shown after its end."`

	CSVImport         string `name:"jumpcloud-csv-import" env:"MUSTER_JUMPCLOUD_CSV_IMPORT" placeholder:"STATE" default:"ACTIVATED" help:"State of a new user of a bulk job who comes without one: ACTIVATED or STAGED (newSystemUserStateDefaults.csvImport)."`
	ApplicationImport string `name:"jumpcloud-application-import" env:"MUSTER_JUMPCLOUD_APPLICATION_IMPORT" placeholder:"STATE" default:"ACTIVATED" help:"The same where the job names another source than jumpcloud:bulk (newSystemUserStateDefaults.applicationImport)."`
	ManualEntry       string `name:"jumpcloud-manual-entry" env:"MUSTER_JUMPCLOUD_MANUAL_ENTRY" placeholder:"STATE" default:"ACTIVATED" help:"The same for a user who is created singly (newSystemUserStateDefaults.manualEntry)."`
}

func (j *JumpCloud) setDefaults() {
	set(&j.Rows, 100_000)
	set(&j.Body, 64<<20)
	set(&j.Days, 30)
	set(&j.CSVImport, "ACTIVATED")
	set(&j.ApplicationImport, "ACTIVATED")
	set(&j.ManualEntry, "ACTIVATED")
}

func (j JumpCloud) check(add func(field, format string, args ...any)) {
	if j.Rows < 1 || j.Rows > muster.MaxItems {
		add("jumpcloud-rows", "A job has 1 to %d users.", muster.MaxItems)
	}
	if j.Body < 1 {
		add("jumpcloud-body-bytes", "A limit is at least 1, not %d.", j.Body)
	}
	if j.Days < 1 || j.Days > 3650 {
		add("jumpcloud-job-days", "A job is shown for 1 to 3650 days after its end.")
	}
	for _, state := range []struct{ name, is string }{
		{"jumpcloud-csv-import", j.CSVImport}, {"jumpcloud-application-import", j.ApplicationImport}, {"jumpcloud-manual-entry", j.ManualEntry},
	} {
		if state.is != "ACTIVATED" && state.is != "STAGED" {
			add(state.name, "%q is neither ACTIVATED nor STAGED.", state.is)
		}
	}
}
