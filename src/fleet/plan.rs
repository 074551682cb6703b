//! [`Plan`]: which repositories are scanned together, so that all tasks take about as long. The same list makes the same plan.

use serde::{Deserialize, Serialize};

use super::listing::Repo;

const SCHEMA: &str = "sopup.fleet-plan/v1";
/// What a task holds about, if nobody says how many tasks there are to be.
const OF_A_TASK: u64 = 1 << 30;
/// What a repository costs that is empty.
const LEAST: u64 = 1 << 20;

/// Tasks, each by its index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    schema: String,
    /// The tasks, in order of their index.
    pub tasks: Vec<Task>,
}

/// What one worker does at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// In order of their ids.
    pub repositories: Vec<Repo>,
}

/// Why a plan cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It is not what a plan looks like.
    #[error("not a plan of this version of sopup: {0}")]
    Syntax(String),
}

impl Plan {
    /// Spreads repositories over tasks: the largest first, each to the task that has least. `shares` says in how many parts one
    /// is searched.
    pub fn new(repos: Vec<Repo>, tasks: Option<usize>, shares: impl Fn(&Repo) -> u64) -> Self {
        let mut repos: Vec<Repo> = repos.into_iter().flat_map(|repo| cut(&repo, shares(&repo))).collect();
        let unknown = usual(&repos);
        let cost = |repo: &Repo| repo.bytes.unwrap_or(unknown).max(LEAST);
        let total: u64 = repos.iter().map(cost).fold(0, u64::saturating_add);
        let wanted = tasks.unwrap_or_else(|| usize::try_from(total.div_ceil(OF_A_TASK)).unwrap_or(usize::MAX));
        let count = wanted.clamp(1, repos.len().max(1));
        repos.sort_by(|a, b| cost(b).cmp(&cost(a)).then_with(|| order(a).cmp(&order(b))));
        let mut loads = vec![0_u64; count];
        let mut tasks = vec![Task::default(); count];
        for repo in repos {
            let least = (0..count).min_by_key(|at| loads[*at]).unwrap_or(0);
            loads[least] = loads[least].saturating_add(cost(&repo));
            tasks[least].repositories.push(repo);
        }
        tasks.iter_mut().for_each(|task| task.repositories.sort_by(|a, b| order(a).cmp(&order(b))));
        Self { schema: SCHEMA.to_owned(), tasks }
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn read(text: &str) -> Result<Self, PlanError> {
        let plan: Self = serde_json::from_str(text).map_err(|error| PlanError::Syntax(error.to_string()))?;
        if plan.schema == SCHEMA { Ok(plan) } else { Err(PlanError::Syntax(format!("its schema is `{}`", plan.schema))) }
    }

    /// The plan as a file, a repository a line so that versions of it can be compared.
    pub fn write(&self) -> String {
        let repo = |repo: &Repo| serde_json::to_string(repo).unwrap_or_default();
        let task = |task: &Task| {
            let repos: Vec<String> = task.repositories.iter().map(repo).collect();
            format!("  {{\"repositories\": [\n    {}\n  ]}}", repos.join(",\n    "))
        };
        let tasks: Vec<String> = self.tasks.iter().map(task).collect();
        format!("{{\"schema\": \"{SCHEMA}\", \"tasks\": [\n{}\n]}}\n", tasks.join(",\n"))
    }

    /// All repositories.
    pub fn repositories(&self) -> impl Iterator<Item = &Repo> {
        self.tasks.iter().flat_map(|task| &task.repositories)
    }
}

fn order(repo: &Repo) -> (&str, Option<&str>) {
    (&repo.id, repo.shard.as_deref())
}

/// The shares of a repository, or the repository.
fn cut(repo: &Repo, shares: u64) -> Vec<Repo> {
    if shares < 2 {
        return vec![repo.clone()];
    }
    let share = |number| Repo { bytes: repo.bytes.map(|bytes| bytes / shares), shard: Some(format!("{number}/{shares}")), ..repo.clone() };
    (1..=shares).map(share).collect()
}

/// The median of the sizes that are known, for those that are not.
fn usual(repos: &[Repo]) -> u64 {
    let mut known: Vec<u64> = repos.iter().filter_map(|repo| repo.bytes).collect();
    known.sort_unstable();
    known.get(known.len() / 2).copied().unwrap_or(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repo(id: &str, megabytes: Option<u64>) -> Repo {
        Repo { id: id.to_owned(), url: format!("/srv/{id}"), bytes: megabytes.map(|size| size << 20), shard: None }
    }

    #[test]
    fn tasks_are_of_about_equal_work_and_the_same_each_time() {
        let repos: Vec<Repo> = (1..=40).map(|n| repo(&format!("r{n:02}"), Some(n))).collect();
        let plan = Plan::new(repos.clone(), Some(4), |_| 1);
        let loads: Vec<u64> = plan.tasks.iter().map(|task| task.repositories.iter().filter_map(|repo| repo.bytes).sum()).collect();
        assert!(loads.iter().max() <= loads.iter().min().map(|least| least + (5 << 20)).as_ref(), "{loads:?}");
        assert_eq!(plan.repositories().count(), 40);
        let shuffled: Vec<Repo> = repos.into_iter().rev().collect();
        assert_eq!(Plan::new(shuffled, Some(4), |_| 1), plan);
        assert_eq!(Plan::read(&plan.write()).expect("reads"), plan);
    }

    #[test]
    fn a_huge_repository_is_shared_out() {
        let repos = vec![repo("huge", Some(4000)), repo("small", Some(10))];
        let plan = Plan::new(repos, Some(4), |repo| if repo.bytes > Some(1 << 30) { 4 } else { 1 });
        let shards: Vec<Vec<Option<&str>>> =
            plan.tasks.iter().map(|task| task.repositories.iter().map(|repo| repo.shard.as_deref()).collect()).collect();
        assert_eq!(shards, [vec![Some("1/4"), None], vec![Some("2/4")], vec![Some("3/4")], vec![Some("4/4")]]);
        assert_eq!(Plan::read(&plan.write()).expect("reads"), plan);
    }

    #[test]
    fn unknown_sizes_count_as_usual_ones() {
        let plan = Plan::new(vec![repo("a", Some(2000)), repo("b", None), repo("c", Some(10))], None, |_| 1);
        assert_eq!(plan.tasks.len(), 3);
        assert_eq!(Plan::new(vec![repo("a", None)], Some(9), |_| 1).tasks.len(), 1);
        assert!(Plan::read("{\"schema\": \"x\", \"tasks\": []}").is_err());
    }
}
