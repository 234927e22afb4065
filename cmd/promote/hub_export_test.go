package main

import (
	"context"
	"io"
	"net/http"
)

// Act is the program as a step of a workflow, whose calls this client carries.
func Act(ctx context.Context, getenv func(string) string, stdout io.Writer, web *http.Client) int {
	return runAction(ctx, getenv, stdout, web)
}
