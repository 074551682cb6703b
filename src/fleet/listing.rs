//! Lists of repositories, as people write them and as programs print them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A repository of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repo {
    /// What it is called in reports: `github.com/team/app`, or a path.
    pub id: String,
    /// What `git clone` takes: an address, or a path.
    pub url: String,
    /// How large it is, as far as the list says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Of one that several tasks search together, which share of its history, as in `2/5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
}

/// Why a list cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ListingError {
    /// It is JSON that nobody can read.
    #[error("not JSON: {0}")]
    Json(String),
    /// A repository has no address.
    #[error("entry {0} names no address: it needs `url`, `ssh_url` or the like")]
    NoAddress(usize),
    /// An address that git would take for an option, or that a report cannot show.
    #[error("entry {entry}: `{url}` is no address of a repository")]
    Address {
        /// From 1.
        entry: usize,
        /// What it says.
        url: String,
    },
    /// Nothing is listed.
    #[error("the list is empty")]
    Empty,
}

/// Keys that hold an address, the best one first: what `gh repo list --json`, the APIs of GitHub, GitLab and Gitea, and ghorg print.
const ADDRESSES: [&str; 8] = ["clone_url", "http_url_to_repo", "ssh_url_to_repo", "sshUrl", "ssh_url", "url", "web_url", "html_url"];

/// The repositories of a list: a line each, with a size in bytes behind the address if it is known, or JSON.
///
/// # Errors
/// [`ListingError`].
pub fn read(text: &str) -> Result<Vec<Repo>, ListingError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let found = if text.starts_with(['[', '{']) { json(text)? } else { lines(text)? };
    // The first of several entries for one address counts.
    let mut by_id = BTreeMap::new();
    for repo in found {
        by_id.entry(repo.id.clone()).or_insert(repo);
    }
    if by_id.is_empty() { Err(ListingError::Empty) } else { Ok(by_id.into_values().collect()) }
}

fn lines(text: &str) -> Result<Vec<Repo>, ListingError> {
    let entries = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let repo = |(at, line): (usize, &str)| {
        let (url, bytes) = match line.rsplit_once([' ', '\t']).map(|(url, size)| (url.trim(), size.parse())) {
            Some((url, Ok(bytes))) => (url, Some(bytes)),
            _ => (line, None),
        };
        repo_at(at + 1, url, None, bytes)
    };
    entries.enumerate().map(repo).collect()
}

fn json(text: &str) -> Result<Vec<Repo>, ListingError> {
    let wrong = |error: serde_json::Error| ListingError::Json(error.to_string());
    // An array, or an object a line.
    let values: Vec<Value> = if text.starts_with('[') {
        serde_json::from_str(text).map_err(wrong)?
    } else {
        serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().map_err(wrong)?
    };
    values.iter().enumerate().map(|(at, value)| of_json(at + 1, value)).collect()
}

fn of_json(entry: usize, value: &Value) -> Result<Repo, ListingError> {
    if let Some(url) = value.as_str() {
        return repo_at(entry, url, None, None);
    }
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let url = ADDRESSES.iter().find_map(|key| text(key)).ok_or(ListingError::NoAddress(entry))?;
    let id = ["nameWithOwner", "full_name", "path_with_namespace"].iter().find_map(|key| text(key));
    let number = |value: Option<&Value>| value.and_then(Value::as_u64);
    // GitHub counts in kilobytes, GitLab in bytes.
    let kilobytes = number(value.get("diskUsage")).or_else(|| number(value.get("size"))).map(|size| size.saturating_mul(1024));
    let bytes = number(value.get("statistics").and_then(|all| all.get("repository_size"))).or(kilobytes);
    repo_at(entry, url, id, bytes)
}

fn repo_at(entry: usize, url: &str, name: Option<&str>, bytes: Option<u64>) -> Result<Repo, ListingError> {
    let fits = !url.is_empty() && !url.starts_with('-') && !url.chars().any(char::is_control);
    if !fits {
        return Err(ListingError::Address { entry, url: url.escape_default().to_string() });
    }
    let host = place_of(url).split('/').next().unwrap_or_default().to_owned();
    let id = name.filter(|_| !host.is_empty()).map_or_else(|| place_of(url), |name| format!("{host}/{name}"));
    Ok(Repo { id, url: url.to_owned(), bytes, shard: None })
}

/// An address without what does not tell repositories apart: `github.com/team/app`. Credentials in it are not part of it.
fn place_of(url: &str) -> String {
    let end = |text: &str| text.trim_end_matches('/').trim_end_matches(".git").to_owned();
    if let Some((_, rest)) = url.split_once("://") {
        // Credentials stand before an `@`, and tokens behind a `?`; neither tells repositories apart.
        let rest = rest.rsplit('@').next().unwrap_or(rest);
        return end(&with_plain_host(rest.split(['?', '#']).next().unwrap_or(rest)));
    }
    let scp = url.rsplit_once('@').map_or(url, |(_, place)| place);
    match scp.split_once(':') {
        Some((host, path)) if !host.contains('/') => end(&with_plain_host(&format!("{host}/{}", path.trim_start_matches('/')))),
        _ => end(url),
    }
}

/// `GitHub.com:443/a/b` is `github.com/a/b`: a host in lower case, without the ports that protocols have anyway.
fn with_plain_host(place: &str) -> String {
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let host = host.to_ascii_lowercase();
    let host = [":22", ":80", ":443", ":9418"].iter().find_map(|port| host.strip_suffix(port)).unwrap_or(&host).trim_end_matches('.');
    format!("{host}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<(String, Option<u64>)> {
        read(text).expect("a list").into_iter().map(|repo| (repo.id, repo.bytes)).collect()
    }

    #[test]
    fn lists_of_people_and_programs_are_read() {
        let lines =
            "# ours\nhttps://x:token@github.com/a/b.git 2048\ngit@github.com:a/c.git\n\n/srv/git/my repo.git\nhttps://github.com/a/b\n";
        let wanted = [("/srv/git/my repo", None), ("github.com/a/b", Some(2048)), ("github.com/a/c", None)];
        assert_eq!(ids(lines), wanted.map(|(id, bytes)| (id.to_owned(), bytes)));
        let spellings = "ssh://git@GitHub.com:22/a/b.git\ngit@github.com:/a/b\nhttps://github.com/a/b/\nhttps://github.com.:443/a/b";
        assert_eq!(ids(spellings), [("github.com/a/b".to_owned(), None)]);
        let gh = r#"[{"nameWithOwner":"a/b","url":"https://github.com/a/b","diskUsage":3}]"#;
        assert_eq!(ids(gh), [("github.com/a/b".to_owned(), Some(3072))]);
        let gitlab = "{\"path_with_namespace\":\"g/x\",\"http_url_to_repo\":\"https://gitlab.corp.net/g/x.git\",\"statistics\":{\"repository_size\":5}}\n";
        assert_eq!(ids(gitlab), [("gitlab.corp.net/g/x".to_owned(), Some(5))]);
    }

    #[test]
    fn what_is_no_list_is_told() {
        assert_eq!(read("").expect_err("is none"), ListingError::Empty);
        assert_eq!(read("[{\"name\":\"x\"}]").expect_err("is none"), ListingError::NoAddress(1));
        assert!(matches!(read("a\n--upload-pack=x\n").expect_err("is none"), ListingError::Address { entry: 2, .. }));
        assert!(matches!(read("[1").expect_err("is none"), ListingError::Json(_)));
    }
}
