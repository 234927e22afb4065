package report_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/promote-on-success/promote/internal/report"
)

const (
	begin  = "<!-- promote:versions:begin -->"
	finish = "<!-- promote:versions:end -->"
	other  = "<!-- promote:changes-shop-prod:begin -->\nwhat changed\n<!-- promote:changes-shop-prod:end -->"
)

func block(text string) string { return begin + "\n" + text + "\n" + finish }

func TestABlockIsPutIntoARelease(t *testing.T) {
	const fresh = "new"
	for name, c := range map[string]struct{ body, want string }{
		"an empty body":                    {"", block(fresh) + "\n"},
		"text without a block":             {"Hello", "Hello\n\n" + block(fresh) + "\n"},
		"text that ends in a line break":   {"Hello\n", "Hello\n\n" + block(fresh) + "\n"},
		"a block between texts":            {"a\n\n" + block("old") + "\n\nb\n", "a\n\n" + block(fresh) + "\n\nb\n"},
		"the same block":                   {"a\n\n" + block(fresh) + "\n\nb", "a\n\n" + block(fresh) + "\n\nb"},
		"line breaks of Windows":           {"a\r\n\r\n" + strings.ReplaceAll(block("old"), "\n", "\r\n") + "\r\nb\r\n", "a\r\n\r\n" + strings.ReplaceAll(block(fresh), "\n", "\r\n") + "\r\nb\r\n"},
		"a block of another name":          {other + "\n", other + "\n\n" + block(fresh) + "\n"},
		"another block around it":          {"<!-- promote:a:begin -->\n" + block("old") + "\n<!-- promote:a:end -->", "<!-- promote:a:begin -->\n" + block(fresh) + "\n<!-- promote:a:end -->"},
		"two copies":                       {block("old") + "\nx\n" + block("older") + "\ny\n", block(fresh) + "\nx\n\ny\n"},
		"no end":                           {"a\n" + begin + "\nsomebody's\n", "a\n\nsomebody's\n\n" + block(fresh) + "\n"},
		"no beginning":                     {"a\n" + finish + "\nb", "a\n\nb\n\n" + block(fresh) + "\n"},
		"the end first":                    {finish + "a" + begin, "a\n\n" + block(fresh) + "\n"},
		"one within the other":             {begin + "\na\n" + block("old") + "\nb\n" + finish + "\nc", "\na\n" + block(fresh) + "\nb\n\nc"},
		"other spaces and capitals":        {"<!--Promote:Versions:BEGIN-->old<!--   promote:versions:end\n-->x", block(fresh) + "x"},
		"a garbled hidden line":            {"<!-- promote:versions -->\nold\n" + finish, "<!-- promote:versions -->\nold\n\n" + block(fresh) + "\n"},
		"one that forms when another goes": {"<!-- promote:versions:be" + finish + "gin -->x", "x\n\n" + block(fresh) + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got := report.EditRelease(c.body, block(fresh))
			if got != c.want {
				t.Errorf("got\n%q\nwant\n%q", got, c.want)
			}
			if again := report.EditRelease(got, block(fresh)); again != got {
				t.Errorf("a second time it is\n%q", again)
			}
			if !report.Settled(got, block(fresh)) || report.Settled(got, block("newer")) {
				t.Error("it is not told whether it is settled")
			}
		})
	}
}

func TestABodyIsSettledOnlyWithTheBlockAndNothingElseOfIt(t *testing.T) {
	for name, body := range map[string]string{
		"nothing": "", "another text": block("old"), "two copies": block("new") + block("new"), "a lone line": block("new") + begin, "half of it": begin + "\nnew",
	} {
		if report.Settled(body, block("new")) {
			t.Errorf("%s: it is told to be settled", name)
		}
	}
	if !report.Settled("x\r\n"+strings.ReplaceAll(block("new"), "\n", "\r\n"), block("new")) {
		t.Error("line breaks of Windows matter")
	}
}

func TestWhateverPeopleDoTheBlockIsThereOnceAndTheirTextStays(t *testing.T) {
	pieces := []string{begin, finish, block("old"), block("new"), other, "text", "\n", "\r\n", " ", "<!--", "-->", "promote:versions:begin", "<!-- x -->", "| a |\n", "```\n", begin[:10], finish[9:]}
	rapid.Check(t, func(t *rapid.T) {
		body := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12).Draw(t, "pieces"), "")
		fresh := report.PromotedVersions(ledgers()[rapid.SampledFrom([]string{"nothing", "first", "two"}).Draw(t, "ledger")], "", here, report.MaxBlock)
		got := report.EditRelease(body, fresh)
		if !report.Settled(got, fresh) {
			t.Fatalf("it is not settled: %q", got)
		}
		if again := report.EditRelease(got, fresh); again != got {
			t.Fatalf("a second time it is another: %q, %q", got, again)
		}
		if n, want := strings.Count(got, "text"), outside(body); n != want {
			t.Fatalf("%d of %d texts are left: %q", n, want, got)
		}
		if strings.Count(got, "what changed") != strings.Count(body, "what changed") && !strings.Contains(body, begin) {
			t.Fatalf("the other block is gone: %q", got)
		}
	})
}

// outside counts the texts that stand in no block of the body.
func outside(body string) int {
	blocks := report.Blocks(body, "versions")
	n, at := 0, 0
	for _, b := range blocks {
		n += strings.Count(body[at:b[0]], "text")
		at = b[1]
	}
	return n + strings.Count(body[at:], "text")
}

func TestTwoEnvironmentsThatFinishTogetherFindTheSameBody(t *testing.T) {
	list := ledgers()["two"]
	body := "Notes by a person.\r\n"
	early := report.EditRelease(body, report.PromotedVersions(list[1:], "", here, report.Room(body, report.VersionsBlock(""))))
	whole := func(body string) string {
		return report.EditRelease(body, report.PromotedVersions(list, "", here, report.Room(body, report.VersionsBlock(""))))
	}
	if a, b := whole(body), whole(early); a != b {
		t.Errorf("the bodies differ:\n%q\n%q", a, b)
	}
}

func TestEachLedgerHasABlockOfItsOwn(t *testing.T) {
	list := ledgers()["two"]
	preprod := report.PromotedVersions(list[1:], "111111111111 eu-west-1 promote", here, report.MaxBlock)
	prod := report.PromotedVersions(list[:1], "222222222222 eu-west-1 promote", here, report.MaxBlock)
	body := report.EditRelease(report.EditRelease(report.EditRelease("", preprod), prod), preprod)
	if !report.Settled(body, preprod) || !report.Settled(body, prod) {
		t.Errorf("one has taken the other's place:\n%s", body)
	}
}

func TestABlockFindsItsRoomBesideALongText(t *testing.T) {
	for _, long := range []int{0, 60_000, 100_000, 120_000, 124_000} {
		t.Run(fmt.Sprint(long), func(t *testing.T) {
			body := strings.Repeat("x", long)
			for range 2 {
				room := report.Room(body, report.VersionsBlock(""))
				body = report.EditRelease(body, report.PromotedVersions(ledgers()["many-functions"], "", here, room))
			}
			if len(body) > report.MaxRelease || strings.Count(body, "x") < long {
				t.Errorf("the body has %d bytes", len(body))
			}
		})
	}
	if report.Room(strings.Repeat("x", report.MaxRelease), report.VersionsBlock("")) != 0 {
		t.Error("there is room where there is none")
	}
}
