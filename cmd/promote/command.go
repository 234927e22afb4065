package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/promote-on-success/promote/internal/actions"
	"github.com/promote-on-success/promote/internal/config"
	"github.com/promote-on-success/promote/internal/github"
	"github.com/promote-on-success/promote/internal/gitlog"
	"github.com/promote-on-success/promote/internal/promotion"
	"github.com/promote-on-success/promote/internal/report"
)

// A command is the program on a command line. Progress goes to stderr, what was asked for to stdout.
type command struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	json           bool
	quiet          bool
	code           int
}

// runCommand carries out one command line. It returns the exit code.
func runCommand(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	c := &command{getenv: getenv, stdout: stdout, stderr: stderr}
	root := c.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(stderr, "promote: %v\nsee `promote --help`\n", err)
		return promotion.Refused.ExitCode()
	}
	return c.code
}

func (c *command) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "promote",
		Short: "Release AWS Lambda functions by promotion on success",
		Long: `promote deploys an immutable candidate version of each function, verifies exactly that version, and only
then moves the environment's alias to it: all functions together, or none.

The configuration is promote.yaml (promote schema prints its JSON Schema); every value that has a flag is
overridden by it. One function needs no file:

  promote run --function checkout --artifact dist/checkout.zip --environment prod \
    --verify '[{invoke: {function: checkout}}]'

Exit codes: ` + exitCodes(),
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	root.Flags().BoolP("help", "h", false, "Show this help; promote COMMAND --help shows a command's")
	root.Flags().Bool("version", false, "Show the version")
	root.SetUsageFunc(usage)
	root.AddCommand(
		c.releasing(promotion.ModeRun, "Deploy, verify and promote", `Deploy a candidate of every function that changed, verify exactly these versions, and move the
environment's aliases to them: all, or none. What is already live and unchanged is left alone.`),
		c.releasing(promotion.ModePlan, "Show what run would do; change nothing", `Read what is live, compare it with what would be deployed, and show what run would do.
Nothing is changed; read permissions suffice.`),
		c.releasing(promotion.ModeDeploy, "Deploy candidates and leave them ready", `Deploy a candidate of every function that changed, and leave it ready for tests of your own. No alias is
moved. promote promote takes the release by its id.`),
		c.releasing(promotion.ModePromote, "Promote what deploy left ready", `Take the release that promote deploy left, see that nothing moved since, verify it, and move the aliases to
it: all, or none.`),
		c.releasing(promotion.ModeRollback, "Move aliases back", `Undo the newest promotion, or go to the versions named by --to. A running promotion is asked to stop and
is not waited for. What was rolled back does not come again until a commit ahead of it does.`),
		c.releasing(promotion.ModeAbort, "Ask a running promotion to stop and go home", `Ask the run that holds the environment's lock to stop, and watch whether it does.`),
		c.status(),
		c.history(),
		c.releasing(promotion.ModeReconcile, "Repair what dead runs left", `Look for promotions that were begun and never ended, and finish or undo them. A run that lives is left alone.`),
		c.releasing(promotion.ModeLock, "Keep others from changing $LATEST", `Take the app's code lock before another tool (sam deploy, terraform apply) changes $LATEST. Run the commands
that follow with the variable that it prints.`),
		c.releasing(promotion.ModeUnlock, "End a lock by force, or lift a floor", `End a lock whose holder is gone, or lift the floor that a rollback has set. The holder can do no harm afterwards.`),
		c.releasing(promotion.ModeSetup, "Create the lock table and the endpoints", `Create the lock table, and the HTTP API of the configuration's endpoints with its latest routes, where they
are missing, and print the IAM policy that the configuration needs. It can be run again at any time.`),
		c.schema(),
	)
	return root
}

// commandOrder is the order in which a person should meet the commands.
var commandOrder = []string{"run", "plan", "deploy", "promote", "rollback", "abort", "status", "history", "reconcile", "lock", "unlock", "setup", "schema"}

func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	last := len(commandOrder) - 1
	text := fmt.Sprintf("there is no command %q; there are %s and %s", args[0], strings.Join(commandOrder[:last], ", "), commandOrder[last])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + near[0] + "?"
	}
	return errors.New(text)
}

// releasing is a command that ends in an outcome.
func (c *command) releasing(mode promotion.Mode, short, long string) *cobra.Command {
	cmd := c.configured(mode, &cobra.Command{Use: string(mode), Short: short, Long: long})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s := c.surrounding(cmd, mode)
		result, faults := s.load(flags(cmd))
		teller := newTeller(c.stderr, lookOf(c.stderr, c.quiet, c.getenv))
		var outcomes []promotion.Outcome
		if len(faults) > 0 {
			outcomes = append(outcomes, promotion.BadInput(result.Request, faults))
		} else {
			w := wiring{getenv: c.getenv, workspace: s.workspace, mask: func(string) {}, tell: teller.tell, commits: c.commits(s), grace: newGrace()}
			for _, target := range result.Targets {
				done := w.carryOut(cmd.Context(), target)
				outcomes = append(outcomes, done.outcome)
				c.leave(done.owner)
			}
		}
		teller.close()
		c.showAll(outcomes, result.Targets)
		return nil
	}
	return cmd
}

// showAll prints the outcomes of a run: as JSON an object, or a list of them where the run is about several
// environments; and with each the IAM policy that it needs, if there is one that was not shown before.
func (c *command) showAll(outcomes []promotion.Outcome, targets []config.Target) {
	var policies policies
	var list []json.RawMessage
	for i, o := range outcomes {
		var document []byte
		var note string
		if i < len(targets) {
			document, note = neededPolicy(targets[i])
		}
		if c.json && len(outcomes) > 1 {
			list = append(list, report.JSON(o, document))
			c.code = max(c.code, o.ExitCode())
			continue
		}
		if !policies.isNew(document) && !c.json {
			document = nil
		}
		c.show(o, document, note)
	}
	if list != nil {
		encoder := json.NewEncoder(c.stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		encoder.Encode(list)
	}
}

// show prints an outcome, with the IAM policy that goes with it if there is one, and keeps the gravest exit code.
func (c *command) show(o promotion.Outcome, policy []byte, note string) {
	if c.json {
		c.stdout.Write(report.JSON(o, policy))
	} else {
		io.WriteString(c.stdout, report.Terminal(o))
		if policy != nil {
			io.WriteString(c.stdout, report.Policy(policy, note))
		}
	}
	c.code = max(c.code, o.ExitCode())
}

// leave prints the token of a lock that mode lock took, for the shell that the commands which follow run in: the one
// secret that a person asked for.
func (c *command) leave(owner promotion.Secret) {
	if owner != "" {
		fmt.Fprintf(c.stdout, "export %s=%s\n", lockVariable, owner.Reveal())
	}
}

// commits is who knows how commits stand to each other: GitHub where it can be asked, and the clone at hand.
func (c *command) commits(s surrounding) promotion.History {
	var histories promotion.Histories
	if client, err := github.Open(github.Options{Getenv: c.getenv, Version: version}); err == nil {
		histories = append(histories, client)
	}
	return append(histories, gitlog.In(s.workspace))
}

func (c *command) status() *cobra.Command {
	cmd := c.configured(promotion.ModeStatus, &cobra.Command{
		Use: "status", Short: "Show what the environments hold",
		Long: `Show, for every function and environment, the version that the alias holds, its weights, and how $LATEST
differs from it. Nothing is changed; read permissions suffice.`,
	})
	all := cmd.Flags().Bool("all-apps", false, "Show every environment of every app that the lock table knows")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s := c.surrounding(cmd, promotion.ModeStatus)
		result, faults := s.load(flags(cmd))
		if len(faults) > 0 {
			c.show(promotion.BadInput(result.Request, faults), nil, "")
			return nil
		}
		w := wiring{getenv: c.getenv, workspace: s.workspace, mask: func(string) {}}
		statuses, err := []report.EnvironmentStatus(nil), error(nil)
		if *all && result.Settings.LockTable != noLockTable {
			statuses, err = w.everything(cmd.Context(), result.Target)
		} else {
			statuses = w.statuses(cmd.Context(), result.Targets)
		}
		if err != nil {
			c.show(promotion.Unopened(result.Request, err), nil, "")
			return nil
		}
		if c.json {
			c.stdout.Write(report.StatusJSON(statuses))
		} else {
			io.WriteString(c.stdout, report.Status(statuses))
		}
		if report.Unread(statuses) {
			c.code = promotion.Failed.ExitCode()
		}
		return nil
	}
	return cmd
}

func (c *command) schema() *cobra.Command {
	cmd := &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of promote.yaml, for editors", Args: cobra.NoArgs,
		Long: `Print the JSON Schema of promote.yaml. An editor that knows it completes and checks the file:

  promote schema > promote.schema.json
  # in promote.yaml:  # yaml-language-server: $schema=promote.schema.json

With --outcome it is the schema of what programs read instead: --json of every command, and the outputs functions and
faults.`,
	}
	outcome := cmd.Flags().Bool("outcome", false, "Print the schema of what --json prints instead")
	cmd.RunE = func(*cobra.Command, []string) error {
		document := config.Schema()
		if *outcome {
			document = report.Schema()
		}
		_, err := c.stdout.Write(document)
		return err
	}
	cmd.Flags().BoolP("help", "h", false, "Show this help")
	return cmd
}

// configured gives a command the flags of the configuration, one for each of the action's inputs that it takes.
func (c *command) configured(mode promotion.Mode, cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.Flags().SortFlags = false
	for _, in := range config.Inputs() {
		if in.ActionOnly || len(in.Modes) > 0 && !slices.Contains(in.Modes, mode) {
			continue
		}
		description := in.Description
		if in.Default != "" {
			description += " (default " + in.Default + ")"
		}
		cmd.Flags().Var(&input{placeholder: in.Placeholder}, in.Name, description)
	}
	cmd.Flags().BoolVar(&c.json, "json", false, "Print the result as JSON; of several environments it is a list")
	cmd.Flags().BoolVarP(&c.quiet, "quiet", "q", false, "Tell no progress")
	cmd.Flags().BoolP("help", "h", false, "Show this help")
	return cmd
}

// An input is a flag that stands for one of the action's inputs. Its value is judged with all the others, not here.
type input struct{ text, placeholder string }

func (i *input) Set(text string) error { i.text = text; return nil }
func (i *input) String() string        { return i.text }
func (i *input) Type() string          { return i.placeholder }

// flags are the flags that were given, as inputs.
func flags(cmd *cobra.Command) map[string]config.Input {
	inputs := map[string]config.Input{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if in, is := f.Value.(*input); is {
			inputs[f.Name] = config.Input{Value: in.text, Label: "--" + f.Name}
		}
	})
	return inputs
}

// surrounding is what is known without being told: in a workflow what the runner says, elsewhere what git says. The
// commit matters only to those who release.
func (c *command) surrounding(cmd *cobra.Command, mode promotion.Mode) surrounding {
	workspace, err := os.Getwd()
	if err != nil {
		workspace = "."
	}
	step := actions.New(c.getenv, io.Discard)
	s := surroundingOf(step, c.getenv, workspace, mode)
	s.actor = cmp.Or(s.actor, c.getenv("USER"))
	if given := cmd.Flags().Lookup("commit"); given == nil || given.Value.String() != "" {
		return s
	}
	if s.commit, err = step.Commit(); err != nil {
		fmt.Fprintf(c.stderr, "promote: warning: %v\n", err)
	}
	if s.commit == "" {
		s.commit = headCommit(cmd.Context(), workspace)
	}
	return s
}

// usage prints how a command is used. It is written out here since cobra's templates would keep every exported method
// of the program from being left out by the linker: the binary would be half as large again.
func usage(cmd *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND\n\nCommands:\n", cmd.CommandPath())
		for _, name := range commandOrder {
			if sub, _, err := cmd.Find([]string{name}); err == nil {
				fmt.Fprintf(&b, "  %-9s %s\n", sub.Name(), sub.Short)
			}
		}
	} else {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	const columns = 110
	fmt.Fprintf(&b, "\nFlags:\n%s", cmd.LocalFlags().FlagUsagesWrapped(columns))
	_, err := io.WriteString(cmd.OutOrStderr(), b.String())
	return err
}

// exitCodes lists the exit codes in a help text.
func exitCodes() string {
	byCode := map[int][]string{}
	highest := 0
	for _, k := range promotion.Kinds {
		byCode[k.ExitCode] = append(byCode[k.ExitCode], string(k.Kind))
		highest = max(highest, k.ExitCode)
	}
	var parts []string
	for code := range highest + 1 {
		if names := byCode[code]; len(names) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", code, strings.Join(names, "/")))
		}
	}
	return strings.Join(parts, ", ")
}
