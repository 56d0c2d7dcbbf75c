package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"

	"github.com/mozilla-releng/cot/fixtures"
	"github.com/mozilla-releng/cot/trace/policy"
)

//go:embed incumbent.py
var script string

// incumbent is a Python process that verifies chains with scriptworker, so that
// its imports are paid for once.
type incumbent struct {
	version string
	command *exec.Cmd
	in      io.WriteCloser
	cases   *json.Encoder
	answers *json.Decoder
}

// startIncumbent starts it with the Python that has scriptworker.
func startIncumbent(ctx context.Context, python string) (*incumbent, error) {
	p := &incumbent{command: exec.CommandContext(ctx, python, "-c", script)}
	p.command.Stderr = os.Stderr
	// What scriptworker would read of the caller's environment.
	p.command.Env = append(os.Environ(), "TASKCLUSTER_ROOT_URL=", "TASKCLUSTER_PROXY_URL=", "no_proxy=127.0.0.1")
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	p.cases, p.answers = json.NewEncoder(p.in), json.NewDecoder(bufio.NewReader(out))
	var hello struct{ Version string }
	if err := p.answers.Decode(&hello); err != nil {
		return nil, errors.Join(fmt.Errorf("scriptworker did not start: %w", err), p.close())
	}
	p.version = hello.Version
	return p, nil
}

func (p *incumbent) close() error { return errors.Join(p.in.Close(), p.command.Wait()) }

// What scriptworker does with a chain.
const (
	accepts = "accepts"
	refuses = "refuses"
	crashes = "crashes" // of an exception that none of its callers expects
)

// its is scriptworker's answer.
type its struct {
	Outcome   string
	Error     string
	Exception string            // of a crash, its type
	Tree      location          // where it accepts
	Links     map[string]string // where it accepts: tasks, with their parents
}

// location is a tree, as both report it.
type location struct{ Repository, Revision string }

// question is one case, as incumbent.py reads it.
type question struct {
	RootURL    string            `json:"rootUrl"`
	TaskID     string            `json:"taskId"`
	TaskType   string            `json:"taskType"`
	Decision   string            `json:"decision"`
	Signatures bool              `json:"signatures"`
	Addresses  map[string]string `json:"addresses"`
	Config     map[string]any    `json:"config"`
}

// verify asks for a chain of a served world. Signatures are checked where its
// workers have keys to check them with.
func (p *incumbent) verify(c *chain, s *fixtures.Server, trusted *policy.Policy, signatures bool) (its, error) {
	q := question{
		RootURL: s.RootURL, TaskID: c.target().ID, TaskType: "build", Decision: c.decision.ID, Signatures: signatures,
		Addresses: map[string]string{
			"https://" + fixtures.Host + "/":                                    s.VCSURL + "/",
			"https://" + fixtures.GitHubHost + "/":                              s.GitHubURL + "/",
			"https://api." + fixtures.GitHubHost:                                s.GitHubURL + "/api",
			"https://raw.githubusercontent.com/mozilla-releng/fxci-config/main": s.VCSURL,
		},
	}
	if c.signing != nil {
		q.TaskType = "signing"
	}
	for _, product := range trusted.Products {
		if product.Name == c.product() {
			q.Config = facts(c.world, trusted, product)
		}
	}
	if err := p.cases.Encode(q); err != nil {
		return its{}, fmt.Errorf("scriptworker's process: %w", err)
	}
	var answer its
	if err := p.answers.Decode(&answer); err != nil {
		return its{}, fmt.Errorf("scriptworker's process: %w", err)
	}
	return answer, nil
}

// facts is what policy says of a product, in the form of scriptworker's constants.
func facts(w *fixtures.EventsWorld, trusted *policy.Policy, product *policy.Product) map[string]any {
	generic := fixtures.PublicKey(w.Keys.GenericWorker)
	suffix := "(/|$)"
	if product.VCS == policy.VCSGitHub {
		suffix = "(/|.git|$)"
	}
	var rules []any
	for _, r := range product.Repositories {
		rules = append(rules, map[string]any{
			"schemes": []string{"https", "ssh"}, "netlocs": []string{r.Host}, "path_regexes": []string{"^(?P<path>" + r.Path + ")" + suffix},
		})
	}
	scopes := map[string]string{}
	for _, s := range product.RestrictedScopes {
		scopes[s.Scope] = s.Tree
	}
	var prebuilt any = "any"
	if kinds := []string{"decision", "action", "docker-image"}; product.PrebuiltImages.String() != "any" {
		prebuilt = slices.DeleteFunc(kinds, func(kind string) bool { return !product.PrebuiltImages.Allows(kind) })
	}
	return map[string]any{
		"cot_product": product.Name, "cot_product_type": product.VCS, "source_env_prefix": product.EnvPrefix,
		"valid_tasks_for": product.TasksFor, "official_github_repos_owner": product.Owner,
		"trusted_vcs_rules": rules, "cot_restricted_scopes": scopes, "cot_restricted_trees": maps.Clone(product.Trees),
		"valid_decision_worker_pools": texts(product.DecisionPools), "valid_docker_image_worker_pools": texts(product.DockerImagePools),
		"prebuilt_docker_image_task_types": prebuilt, "scriptworker_provisioners": trusted.ScriptworkerProvisioners,
		"max_chain_length": trusted.Limits.MaxChainLength, "hg_git_mirrors": nil,
		// As on Firefox-CI, generic-worker's key also signs docker-worker payloads.
		"ed25519_public_keys": map[string]any{
			fixtures.DockerWorker:  []string{fixtures.PublicKey(w.Keys.DockerWorker), generic},
			fixtures.GenericWorker: []string{generic},
			fixtures.Scriptworker:  []string{fixtures.PublicKey(w.Keys.Scriptworker)},
		},
	}
}

func texts[T fmt.Stringer](list []T) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.String())
	}
	return out
}
