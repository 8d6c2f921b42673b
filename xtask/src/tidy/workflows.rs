//! One job judges a pull request: `green`, which needs all others.
//!
//! Workflows are read line by line, as they are written here: two spaces per level, lists in one line or one item
//! per line.

use super::{Problem, tree::Tree};

/// In each workflow that judges pull requests, `green` needs every other job, and runs even when one was skipped.
pub(super) fn green_needs_every_job(tree: &Tree) -> Vec<Problem> {
    const RULE: &str = "one job, `green`, needs all others";
    let mut problems = Vec::new();
    for (path, text) in tree.with_ending(&["yml", "yaml"]) {
        if !path.starts_with(".github/workflows/") || !judges_pull_requests(text) {
            continue;
        }
        let jobs = jobs(text);
        let Some(green) = jobs.iter().find(|job| job.name == "green") else {
            problems.push(Problem::new(path, RULE, "add a job `green`"));
            continue;
        };
        let needs = green.needs();
        for job in jobs.iter().filter(|job| job.name != "green") {
            if !needs.contains(&job.name) {
                let remedy = format!("add `{}` to what `green` needs", job.name);
                problems.push(Problem::new(path, RULE, remedy));
            }
        }
        if !green.lines.iter().any(|line| line.trim() == "if: always()") {
            let remedy = "give `green` an `if: always()`, since a skipped job passes";
            problems.push(Problem::new(path, RULE, remedy));
        }
    }
    problems
}

/// A job of a workflow.
struct Job<'a> {
    name: &'a str,
    /// What stands under its name.
    lines: Vec<&'a str>,
}

impl<'a> Job<'a> {
    /// The jobs that must end before this one starts.
    fn needs(&self) -> Vec<&'a str> {
        let mut lines = self
            .lines
            .iter()
            .skip_while(|line| !line.starts_with("    needs:"));
        let Some(first) = lines.next() else {
            return Vec::new();
        };
        let here = first.trim().trim_start_matches("needs:").trim();
        if here.is_empty() {
            lines
                .map_while(|line| line.trim().strip_prefix("- "))
                .map(str::trim)
                .collect()
        } else {
            here.trim_matches(['[', ']'])
                .split(',')
                .map(str::trim)
                .collect()
        }
    }
}

/// Whether the workflow runs for pull requests, in whichever way that is written.
fn judges_pull_requests(text: &str) -> bool {
    without_comments(text)
        .take_while(|line| !line.starts_with("jobs:"))
        .any(|line| line.contains("pull_request"))
}

fn jobs(text: &str) -> Vec<Job<'_>> {
    let body = without_comments(text)
        .skip_while(|line| !line.starts_with("jobs:"))
        .skip(1)
        .take_while(|line| line.starts_with(' '));
    let mut jobs: Vec<Job<'_>> = Vec::new();
    for line in body {
        let name = line
            .strip_prefix("  ")
            .filter(|rest| !rest.starts_with(' '));
        match (
            name.and_then(|rest| rest.trim_end().strip_suffix(':')),
            jobs.last_mut(),
        ) {
            (Some(name), _) => jobs.push(Job {
                name,
                lines: Vec::new(),
            }),
            (None, Some(job)) => job.lines.push(line),
            (None, None) => {}
        }
    }
    jobs
}

fn without_comments(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::green_needs_every_job;
    use crate::tidy::{Problem, tree::Tree};

    const WORKFLOW: &str = "name: ci\non:\n  pull_request:\n\njobs:\n  # Style.\n  lint:\n    runs-on: x\n\n  \
                            test:\n    needs: lint\n    runs-on: x\n\n  green:\n    if: always()\n    \
                            needs: [lint, test]\n    runs-on: x\n";

    fn judge(workflow: &str) -> Vec<Problem> {
        green_needs_every_job(&Tree::sample_with(".github/workflows/ci.yml", workflow))
    }

    #[test]
    fn green_that_needs_all_is_fine() {
        let listed = WORKFLOW.replace("needs: [lint, test]", "needs:\n      - lint\n      - test");

        assert!(judge(WORKFLOW).is_empty());
        assert!(judge(&listed).is_empty(), "{:?}", judge(&listed));
    }

    #[test]
    fn forgotten_job_is_a_problem() {
        let problems = judge(&WORKFLOW.replace("[lint, test]", "[lint]"));

        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].remedy.contains("`test`"), "{problems:?}");
    }

    #[test]
    fn workflow_without_green_is_a_problem() {
        assert_eq!(judge(&WORKFLOW.replace("green", "amber")).len(), 1);
    }

    #[test]
    fn green_that_can_be_skipped_is_a_problem() {
        assert_eq!(judge(&WORKFLOW.replace("    if: always()\n", "")).len(), 1);
    }

    #[test]
    fn workflow_that_judges_no_pull_request_needs_no_green() {
        let nightly = WORKFLOW
            .replace("pull_request", "schedule")
            .replace("green", "amber");

        assert!(judge(&nightly).is_empty());
    }
}
