package native

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
)

// prepareHuma sets what huma keeps in globals, once in a process. No other surface uses huma.
var prepareHuma = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, text string, errs ...error) huma.StatusError {
		return problemOfHuma(context.Background(), "", status, text, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, text string, errs ...error) huma.StatusError {
		return problemOfHuma(ctx.Context(), ctx.Operation().Path, status, text, errs)
	}
})

// problemOfHuma makes a problem of what huma found wrong with a request. The value at fault is left out: it may be a secret.
func problemOfHuma(ctx context.Context, route string, status int, text string, errs []error) huma.StatusError {
	if status == 0 { // huma asks what errors look like
		return &api.Problem{}
	}
	var faults muster.Errors
	for _, err := range errs {
		if detail, ok := err.(huma.ErrorDetailer); ok {
			faults = append(faults, faultOf(detail.ErrorDetail()))
		} else {
			return api.ProblemOf(ctx, route, err)
		}
	}
	if len(faults) == 0 {
		faults = muster.Errors{muster.Errorf(muster.Invalid, "", "%s", sentence(text))}
	}
	if faults[0].Message == sentence("request body is required") || text == "request body is required" {
		faults[0].Code = muster.Required
	}
	return api.ProblemOf(ctx, route, &api.WithStatus{Status: max(status, http.StatusBadRequest), Err: faults})
}

var missing = regexp.MustCompile(`^expected required property (\S+) to be present$`)

// faultOf turns huma's detail into a fault. Huma locates a missing property at its parent.
func faultOf(d *huma.ErrorDetail) *muster.Error {
	_, field, _ := strings.Cut(d.Location, ".")
	if m := missing.FindStringSubmatch(d.Message); m != nil {
		return muster.Errorf(muster.Required, strings.TrimPrefix(field+"."+m[1], "."), "This is needed.")
	}
	switch {
	case strings.HasPrefix(d.Message, "required "):
		return muster.Errorf(muster.Required, field, "This is needed.")
	case d.Message == "unexpected property":
		return muster.Errorf(muster.Unsupported, field, "There is no field of this name.")
	case d.Message == "unknown query parameter":
		return muster.Errorf(muster.Unsupported, field, "There is no parameter of this name.")
	case strings.HasPrefix(d.Message, "json: "):
		return muster.Errorf(muster.Invalid, field, "The body does not have the form that is expected here; it must be a JSON object.")
	}
	return muster.Errorf(muster.Invalid, field, "%s", sentence(d.Message))
}

// sentence makes a text of the library look like ours.
func sentence(text string) string {
	if text == "" {
		return "The request cannot be accepted."
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}
