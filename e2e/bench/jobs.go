package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/e2e/people"
)

const jobRows = 100_000 // what a job of the JumpCloud surface has at most by default

// measureJobs sends a bulk job to the built program as a client of JumpCloud does, and takes the time until it is accepted and until its results are
// readable, with the raw limit right before and after.
func measureJobs(ctx context.Context, b *bench) error {
	t := b.table("database", "rows", "MB", "accepted s", "finished s", "rows/s", "raw rows/s", "ratio", "of rounds", "memory MiB", "page of 1,000 p50 ms")
	rows := rawRows(b.seed, "job", jobRows, map[string]int{})
	body := jobBody(b.seed, jobRows)
	for _, e := range b.kinds() {
		if err := e.jobs(ctx, t, body, rows); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	t.print()
	return nil
}

// jobBody is an array of users with nothing but what a user must have.
func jobBody(seed uint64, n int) []byte {
	var body bytes.Buffer
	m := people.New(seed, "job")
	for i := range n {
		one := m.Next()
		sign := ",\n"
		if i == 0 {
			sign = "["
		}
		fmt.Fprintf(&body, `%s{"username":"%s.%s%d","email":%q,"firstname":%q,"lastname":%q}`, sign, muster.Fold(one.First), muster.Fold(one.Last), i, one.Email, one.First, one.Last)
	}
	body.WriteString("]")
	return body.Bytes()
}

func (e *engine) jobs(ctx context.Context, t *table, body []byte, rows [][]any) error {
	rounds := min(e.b.rounds, 2) // of 100,000 each
	var raws, rates, ratios, accepts, ends, peaks []float64
	var pages []time.Duration
	for round := range rounds + 1 {
		raw, err := e.raw(ctx, nil, rows)
		if err != nil {
			return err
		}
		if raws = append(raws, raw); round > 0 {
			ratios = append(ratios, rates[round-1]/((raws[round-1]+raw)/2))
		}
		if round == rounds {
			break
		}
		one, err := e.oneJob(ctx, body)
		if err != nil {
			return err
		}
		rates, accepts, ends, peaks = append(rates, jobRows/one.ended.Seconds()), append(accepts, one.accepted.Seconds()), append(ends, one.ended.Seconds()), append(peaks, one.memory)
		pages = append(pages, one.pages...)
	}
	t.row(e.name, jobRows, fmt.Sprintf("%.1f", float64(len(body))/1e6), fmt.Sprintf("%.2f", median(accepts)), fmt.Sprintf("%.2f", median(ends)), median(rates), median(raws),
		share(median(ratios)), shares(ratios), median(peaks), millis(pages, 50))
	return nil
}

// oneJob is what one job came to.
type oneJob struct {
	accepted, ended time.Duration
	memory          float64
	pages           []time.Duration
}

func (e *engine) oneJob(ctx context.Context, body []byte) (job oneJob, err error) {
	s, err := e.serve(ctx, 0)
	if err != nil {
		return job, err
	}
	defer s.end()
	w := s.wire()
	defer w.close()
	var made struct {
		ID string `json:"jobId"`
	}
	start := time.Now()
	if err := s.send(ctx, http.MethodPost, "/api/v2/bulk/users?suppressEmail=true", "application/json", bytes.NewReader(body), &made); err != nil {
		return job, err
	}
	job.accepted = time.Since(start)
	var now struct {
		Status string `json:"status"`
		Meta   struct {
			Succeeded int `json:"succeeded"`
		} `json:"meta"`
	}
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for now.Status != "finished" {
		if err := s.call(ctx, http.MethodGet, "/api/v2/jobs/"+made.ID, nil, &now); err != nil {
			return job, err
		}
		if now.Status == "failed" || ctx.Err() != nil {
			return job, fmt.Errorf("the job ended %s: %w", now.Status, ctx.Err())
		}
		<-look.C
	}
	job.ended = time.Since(start)
	if now.Meta.Succeeded != jobRows {
		return job, fmt.Errorf("%d of %d rows succeeded", now.Meta.Succeeded, jobRows)
	}
	if job.memory, err = s.memory(); err != nil {
		return job, err
	}
	for i := range 30 {
		took, err := w.get(fmt.Sprintf("/api/v2/jobs/%s/results?limit=1000&skip=%d", made.ID, i*3_000))
		if err != nil {
			return job, err
		}
		job.pages = append(job.pages, took)
	}
	return job, nil
}
