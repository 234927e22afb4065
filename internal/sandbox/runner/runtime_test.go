package runner_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// serveAsRuntime is a custom runtime in small, which behaves as its mode says. It does not return.
func serveAsRuntime(mode string) {
	switch mode {
	case "crash-init":
		fmt.Fprintln(os.Stderr, "cannot start")
		os.Exit(3)
	case "exit-init":
		os.Exit(0)
	case "init-error":
		post("init/error", `{"errorType":"Orders.NoConfig","errorMessage":"TABLE is not set"}`)
		os.Exit(1)
	}
	for {
		answer, err := http.Get(api() + "invocation/next")
		if err != nil {
			os.Exit(9)
		}
		payload, err := io.ReadAll(answer.Body)
		if err != nil {
			os.Exit(9)
		}
		work(mode, answer.Header, string(payload))
	}
}

func api() string { return "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/" }

func work(mode string, h http.Header, payload string) {
	here := "invocation/" + h.Get("Lambda-Runtime-Aws-Request-Id") + "/"
	switch mode {
	case "crash":
		os.Exit(4)
	case "hang":
		time.Sleep(time.Minute)
	case "error":
		post(here+"error", `{"errorType":"Orders.Broken","errorMessage":"no stock"}`)
		return
	case "big":
		post(here+"response", `"`+strings.Repeat("x", 7<<20)+`"`)
		return
	case "slow":
		time.Sleep(200 * time.Millisecond)
	}
	fmt.Println("to stdout")
	fmt.Fprintln(os.Stderr, "to stderr")
	deadline, _ := strconv.ParseInt(h.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	doc := map[string]any{
		"payload": payload, "arn": h.Get("Lambda-Runtime-Invoked-Function-Arn"), "pid": os.Getpid(),
		"left": deadline - time.Now().UnixMilli(),
	}
	for _, name := range []string{"GREETING", "AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "_HANDLER", "HOME"} {
		doc[name] = os.Getenv(name)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		os.Exit(9)
	}
	post(here+"response", string(text))
}

func post(path, body string) {
	answer, err := http.Post(api()+path, "application/json", bytes.NewBufferString(body))
	if err != nil || answer.StatusCode != http.StatusAccepted {
		os.Exit(9)
	}
	answer.Body.Close()
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
