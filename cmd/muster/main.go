// Command muster is the whole product: the server, and the command line that talks to it. See internal/cli.
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/musterid/muster/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // whoever presses Ctrl-C twice does not want to wait
	code := cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
