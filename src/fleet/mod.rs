//! Many repositories: a plan of tasks of about equal work (`plan`), the results of each (`result`), and one report of all
//! ([`merge`]). What runs the tasks is somebody else's: a Kubernetes Job, Slurm, GNU parallel ([`manifest`]).

mod listing;
mod manifest;
mod merge;
mod page;
mod plan;
mod result;

pub use listing::{ListingError, Repo, read as listing};
pub use manifest::{Engine, Settings, exceeded, manifest};
pub use merge::{Incomplete, Merged, Repository, SecretAcross, SecretPlace, merge};
pub use page::{csv, html, markdown};
pub use plan::{Plan, PlanError, Task};
pub use result::{RepoResult, ResultError, Status, read, written};
