//! [`Owners`]: who answers for a file, as CODEOWNERS says it. The syntax is GitHub's: the last pattern that matches counts;
//! there are no negations and no ranges of characters (docs.github.com, "About code owners").

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Where the file is looked for, from the top of the working tree; the first one counts.
pub const PLACES: [&str; 4] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];

/// GitHub reads files of up to 3 MB.
const LARGEST: usize = 3 << 20;
/// Lines that are read.
const MOST_LINES: usize = 20_000;

/// Patterns with their owners, in the order of the file.
#[derive(Debug, Default)]
pub struct Owners {
    globs: GlobSet,
    /// For each glob the number of its line's owners.
    lines: Vec<usize>,
    owners: Vec<Vec<String>>,
}

impl Owners {
    /// Reads a file. Lines that GitHub would pass over are passed over.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LARGEST)]);
        let (mut set, mut lines, mut owners) = (GlobSetBuilder::new(), Vec::new(), Vec::new());
        for line in text.lines().take(MOST_LINES) {
            let mut words = words(line).into_iter().take_while(|word| !word.starts_with('#'));
            // Lines in brackets are GitLab's sections.
            let Some(pattern) = words.next().filter(|word| !word.starts_with(['!', '[', '^'])) else { continue };
            let globs: Vec<_> =
                globs(&pattern).iter().filter_map(|glob| GlobBuilder::new(glob).literal_separator(true).build().ok()).collect();
            lines.extend(globs.iter().map(|_| owners.len()));
            globs.into_iter().for_each(|glob| _ = set.add(glob));
            owners.push(words.collect());
        }
        Self { globs: set.build().unwrap_or_default(), lines, owners }
    }

    /// Who owns a file; nobody if no pattern matches, or the last one names nobody.
    pub fn of(&self, path: &str) -> &[String] {
        let last = self.globs.matches(path).into_iter().filter_map(|glob| self.lines.get(glob)).max();
        last.map_or(&[], |line| &self.owners[*line])
    }
}

/// Words between blanks; a backslash makes a blank part of a word.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&' ') => word.extend(characters.next()),
            character if character.is_whitespace() => words.push(std::mem::take(&mut word)),
            character => word.push(character),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// The globs that a pattern stands for.
fn globs(pattern: &str) -> Vec<String> {
    let is_folder = pattern.ends_with('/');
    let body = pattern.trim_end_matches('/');
    let anchored = body.contains('/');
    let mut glob = String::from(if anchored { "" } else { "**/" });
    for character in body.trim_start_matches('/').chars() {
        if matches!(character, '[' | ']' | '{' | '}' | '\\') {
            glob.push('\\');
        }
        glob.push(character);
    }
    let below = format!("{glob}/**");
    match body.rsplit('/').next() {
        _ if body.is_empty() => vec!["**".to_owned()],
        _ if is_folder => vec![below],
        // `docs/*` is for the files of that folder alone.
        Some("*") if anchored => vec![glob],
        _ => vec![glob, below],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's documentation, and its exceptions.
    const EXAMPLE: &str = "\
# a comment
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/*  docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
/with\\ blank/[x]/ @blank
!*.js @nobody
";

    #[test]
    fn the_last_pattern_that_matches_counts() {
        let owners = Owners::parse(EXAMPLE.as_bytes());
        for (path, expected) in [
            ("README.md", "@global-owner1 @global-owner2"),
            ("src/a.js", "@js-owner"),
            ("a/b/c.go", "docs@example.com"),
            ("build/logs/x.log", "@octocat"),
            ("deeply/nested/logs", "@octocat"),
            ("docs/getting-started.md", "@doctocat"),
            ("docs/build-app/troubleshooting.md", "@doctocat"),
            ("x/docs/a.md", "@global-owner1 @global-owner2"),
            ("scripts/a.sh", "@doctocat @octocat"),
            ("apps/web/a.rb", "@octocat"),
            ("apps/github/x.rb", ""),
            ("with blank/[x]/a", "@blank"),
        ] {
            assert_eq!(owners.of(path).join(" "), expected, "{path}");
        }
        let direct = Owners::parse(b"docs/* @docs\n");
        assert_eq!((direct.of("docs/a.md").len(), direct.of("docs/b/a.md").len()), (1, 0));
        assert!(Owners::parse(b"[Section]\n^[Optional] @x\n\xff\xfe\n").of("a").is_empty());
    }
}
