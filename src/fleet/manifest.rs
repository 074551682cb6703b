//! Files that run the tasks of a plan on engines that exist. Each worker learns its index from the engine.

use std::fmt::Write as _;

/// What runs tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// An Indexed Job of Kubernetes.
    Kubernetes,
    /// A Workflow of Argo.
    Argo,
    /// A job array of Slurm.
    Slurm,
    /// A matrix of GitHub Actions.
    GitHub,
    /// GNU parallel.
    Parallel,
}

/// What a manifest says.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    /// How many tasks there are.
    pub tasks: usize,
    /// How many run at a time.
    pub parallel: usize,
    /// The image with sopup and git.
    pub image: &'a str,
    /// The plan, as the workers see it.
    pub plan: &'a str,
    /// The folder of the results, as the workers see it.
    pub results: &'a str,
    /// Whether several tasks search one repository, and so need the same clone.
    pub shared: bool,
}

/// How a worker gets a repository that is not there yet.
const FETCH: &str = "git clone --quiet --mirror {url} {dir}";

/// What an engine does not take as engines are set up mostly, if the plan has it.
pub fn exceeded(engine: Engine, settings: &Settings<'_>, plan_bytes: usize) -> Option<&'static str> {
    match engine {
        Engine::Slurm if settings.tasks > 1000 => {
            Some("Slurm takes array indexes up to 1000 unless MaxArraySize is set higher: plan with `--tasks 1000` or fewer")
        }
        Engine::GitHub if settings.tasks > MATRIX => {
            Some("a matrix has at most 256 jobs, and tasks beyond them are left out: plan with `--tasks 256` or fewer")
        }
        Engine::GitHub if settings.shared => {
            Some("jobs of GitHub share no folder, and several of these tasks need the same clone: plan without `--shard-above`")
        }
        Engine::Kubernetes | Engine::Argo if plan_bytes > 1 << 20 => {
            Some("a ConfigMap holds at most 1 MiB, and the plan is larger: put plan.json into a volume, or make several plans")
        }
        _ => None,
    }
}

/// The most jobs that a matrix of GitHub has.
const MATRIX: usize = 256;

/// The file for an engine.
pub fn manifest(engine: Engine, settings: &Settings<'_>) -> String {
    match engine {
        Engine::Kubernetes => kubernetes(settings),
        Engine::Argo => argo(settings),
        Engine::Slurm => slurm(settings),
        Engine::GitHub => github(settings),
        Engine::Parallel => parallel(settings),
    }
}

/// The container of a worker: no rights, no token of the cluster, nothing of its root file system to write to.
fn container(indent: usize, settings: &Settings<'_>, index: Option<&str>) -> String {
    let mut lines = vec![
        format!("image: {}", settings.image),
        "command: [sopup]".to_owned(),
        "args:".to_owned(),
        "  - fleet".to_owned(),
        "  - work".to_owned(),
        "  - --plan=/plan/plan.json".to_owned(),
        "  - --results=/results".to_owned(),
        // The volume of the results is the one that all workers have.
        format!("  - --clones={}", if settings.shared { "/results/clones" } else { "/clones" }),
        format!("  - '--fetch={FETCH}'"),
    ];
    lines.extend(index.map(|index| format!("  - '--index={index}'")));
    // One processor is asked for below.
    lines.extend(["  - --", "  - --jobs=1"].map(str::to_owned));
    lines.extend(
        "env:
  - name: SOPUP_FINGERPRINT_KEY
    valueFrom:
      secretKeyRef:
        name: sopup-fleet
        key: fingerprint-key
  - name: HOME
    value: /clones
resources:
  requests:
    cpu: \"1\"
    memory: 512Mi
  limits:
    memory: 2Gi
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: plan
    mountPath: /plan
    readOnly: true
  - name: results
    mountPath: /results
  - name: clones
    mountPath: /clones"
            .lines()
            .map(str::to_owned),
    );
    let pad = " ".repeat(indent);
    lines.iter().map(|line| format!("{pad}{line}\n")).collect()
}

fn volumes(indent: usize) -> String {
    let pad = " ".repeat(indent);
    "volumes:
  - name: plan
    configMap:
      name: sopup-fleet
  - name: results
    persistentVolumeClaim:
      claimName: sopup-fleet
  - name: clones
    emptyDir: {}"
        .lines()
        .map(|line| format!("{pad}{line}\n"))
        .collect()
}

const SECURITY: &str = "\
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault";

fn indented(text: &str, indent: usize) -> String {
    let pad = " ".repeat(indent);
    text.lines().map(|line| format!("{pad}{line}\n")).collect()
}

fn kubernetes(settings: &Settings<'_>) -> String {
    let mut out = format!(
        "# The plan is the ConfigMap sopup-fleet, the results go to the claim sopup-fleet, and all workers need one key:
#   kubectl create configmap sopup-fleet --from-file=plan.json
#   kubectl create secret generic sopup-fleet --from-literal=fingerprint-key=\"$(openssl rand -hex 32)\"
# To go on after failures, delete the Job and create it again: results that are there are taken over.
apiVersion: batch/v1
kind: Job
metadata:
  name: sopup-fleet
spec:
  completionMode: Indexed
  completions: {}
  parallelism: {}
  backoffLimitPerIndex: 2
  maxFailedIndexes: {}
  template:
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      enableServiceLinks: false
",
        settings.tasks, settings.parallel, settings.tasks
    );
    out += &indented(SECURITY, 6);
    out += "      containers:\n        - name: worker\n";
    out += &container(10, settings, None);
    out += &volumes(6);
    out
}

fn argo(settings: &Settings<'_>) -> String {
    let mut out = format!(
        "# Needs the ConfigMap sopup-fleet (plan.json), the Secret sopup-fleet (fingerprint-key) and the claim sopup-fleet.
# To go on after failures, submit it again: results that are there are taken over.
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: sopup-fleet-
spec:
  entrypoint: all
  parallelism: {}
  automountServiceAccountToken: false
",
        settings.parallel
    );
    out += &indented(SECURITY, 2);
    out += &volumes(2);
    _ = write!(
        out,
        "  templates:
    - name: all
      steps:
        - - name: task
            template: worker
            arguments:
              parameters:
                - name: index
                  value: '{{{{item}}}}'
            withSequence:
              count: '{}'
            continueOn:
              failed: true
    - name: worker
      inputs:
        parameters:
          - name: index
      retryStrategy:
        limit: '2'
      container:
",
        settings.tasks
    );
    out += &container(8, settings, Some("{{inputs.parameters.index}}"));
    out
}

/// Where workers without containers keep clones, as a word for the shell: on each machine, or where all of them see it.
fn clones(settings: &Settings<'_>) -> String {
    if settings.shared {
        crate::text::shell_word(&format!("{}/clones", settings.results))
    } else {
        "\"${TMPDIR:-/tmp}/sopup-clones-$(id -u)\"".to_owned()
    }
}

fn slurm(settings: &Settings<'_>) -> String {
    format!(
        "#!/bin/sh
# Submit with: sbatch --export=ALL,SOPUP_FINGERPRINT_KEY job.sh; to go on after failures, submit the same again.
#SBATCH --job-name=sopup-fleet
#SBATCH --array=0-{}%{}
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH --requeue
#SBATCH --open-mode=append
set -eu
umask 077
: \"${{SOPUP_FINGERPRINT_KEY:?make one with openssl rand -hex 32 and keep it}}\"
exec sopup fleet work --plan {plan} --results {results} --clones {clones} --fetch '{FETCH}' -- --jobs \"${{SLURM_CPUS_PER_TASK:-1}}\"
",
        settings.tasks.saturating_sub(1),
        settings.parallel,
        plan = crate::text::shell_word(settings.plan),
        results = crate::text::shell_word(settings.results),
        clones = clones(settings),
    )
}

fn github(settings: &Settings<'_>) -> String {
    let indexes: Vec<String> = (0..settings.tasks.min(MATRIX)).map(|index| index.to_string()).collect();
    format!(
        "# The secrets SOPUP_FINGERPRINT_KEY and FLEET_TOKEN (read access to the repositories) must be set.
name: fleet
on:
  workflow_dispatch:
permissions:
  contents: read
jobs:
  task:
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      max-parallel: {}
      matrix:
        index: [{}]
    steps:
      - uses: actions/checkout@v4
      - run: pipx install sopup
      - env:
          SOPUP_FINGERPRINT_KEY: ${{{{ secrets.SOPUP_FINGERPRINT_KEY }}}}
          FLEET_TOKEN: ${{{{ secrets.FLEET_TOKEN }}}}
          INDEX: ${{{{ matrix.index }}}}
        run: |
          git config --global url.\"https://x-access-token:$FLEET_TOKEN@github.com/\".insteadOf https://github.com/
          sopup fleet work --index \"$INDEX\" --plan {} --results results --clones \"$RUNNER_TEMP/clones\" --fetch '{FETCH}'
      - uses: actions/upload-artifact@v4
        with:
          name: results-${{{{ matrix.index }}}}
          path: results
",
        settings.parallel,
        indexes.join(", "),
        crate::text::shell_word(settings.plan),
    )
}

fn parallel(settings: &Settings<'_>) -> String {
    let work = format!(
        "sopup fleet work --index {{}} --plan {} --results {} --clones {} --fetch '{FETCH}' -- --jobs 1",
        crate::text::shell_word(settings.plan),
        crate::text::shell_word(settings.results),
        clones(settings),
    );
    format!(
        "#!/bin/sh
# All workers need one key. To go on after failures, run the same again.
set -eu
umask 077
: \"${{SOPUP_FINGERPRINT_KEY:?make one with openssl rand -hex 32 and keep it}}\"
seq 0 {} | parallel --jobs {} --retries 3 {}
",
        settings.tasks.saturating_sub(1),
        settings.parallel,
        crate::text::shell_word(&work)
    )
}
