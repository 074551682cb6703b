//! Where the blocks of code and the headings of a page of documentation are, in Markdown, reStructuredText and AsciiDoc.

use crate::text::Span;

/// A page whose blocks between marks are known.
pub(super) struct Page<'a> {
    pub(super) text: &'a str,
    blocks: Vec<Block>,
    /// Where the lines of headings begin.
    headings: Vec<usize>,
}

/// A block of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Its language in lower case, empty where none is named.
    pub(super) language: String,
    /// Where what announces it ends: the text above the mark or the directive that opens it.
    pub(super) opened: usize,
    /// Where its first line begins.
    pub(super) start: usize,
    /// Where the mark that closes it begins, or the page ends.
    end: usize,
}

/// What encloses a block.
#[derive(Clone, Copy)]
enum Mark {
    /// Of Markdown: three of these or more.
    Fence(&'static str),
    /// A line of dashes in AsciiDoc.
    Listing,
    /// A tag of Hugo, of Jekyll, of HTML.
    Tag(&'static Tag),
    /// A line that a page begins with, above what it says of itself in YAML or TOML.
    Matter(&'static str),
}

struct Tag {
    starts: &'static [&'static str],
    ends: &'static [&'static str],
}

static TAGS: [Tag; 3] = [
    Tag { starts: &["{{< highlight", "{{% highlight"], ends: &["/highlight", "/ highlight"] },
    Tag { starts: &["{% highlight"], ends: &["{% endhighlight"] },
    Tag { starts: &["<pre"], ends: &["</pre>"] },
];

const DASHES: &str = "----";
const SOURCE: &str = "[source";

impl Mark {
    /// What a line opens, below another one, and its language.
    fn opened<'l>(line: &'l str, above: &'l str, is_asciidoc: bool) -> Option<(Self, &'l str)> {
        if let Some(fence) = ["```", "~~~"].into_iter().find(|fence| line.starts_with(fence)) {
            let info = line[fence.len()..].trim_start_matches(['`', '~']);
            return Some((Self::Fence(fence), info.split_whitespace().next().unwrap_or_default()));
        }
        // `[source,bash]`, `----`
        if line.trim_end() == DASHES && (is_asciidoc || above.starts_with(SOURCE)) {
            let attributes = above.strip_prefix(SOURCE).unwrap_or_default();
            return Some((Self::Listing, attributes.trim_end_matches(']').split(',').nth(1).unwrap_or_default().trim()));
        }
        // One that ends on its own line encloses no block.
        let tag = TAGS.iter().find(|tag| tag.starts.iter().any(|start| line.starts_with(start)) && !tag.ends_in(line))?;
        let words = line.trim_start_matches(['{', '<', '%', ' ']).split_whitespace();
        let language = words.skip(1).find(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic()));
        Some((Self::Tag(tag), language.unwrap_or_default()))
    }

    /// Whether a line closes what it opened. What closes a fence has no language.
    fn closes(self, line: &str) -> bool {
        match self {
            Self::Fence(fence) => line.starts_with(fence) && line.trim_end().chars().all(|c| fence.starts_with(c)),
            Self::Listing => line.trim_end() == DASHES,
            Self::Tag(tag) => tag.ends_in(line),
            Self::Matter(mark) => line.trim_end() == mark,
        }
    }

    /// What the first line of a page opens.
    fn of_page(line: &str) -> Option<(Self, &'static str)> {
        let marks = [("---", "yaml"), ("+++", "toml")];
        marks.into_iter().find(|(mark, _)| line.trim_end() == *mark).map(|(mark, language)| (Self::Matter(mark), language))
    }
}

impl Tag {
    fn ends_in(&self, line: &str) -> bool {
        self.ends.iter().any(|end| line.contains(end))
    }
}

impl<'a> Page<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let (mut blocks, mut headings, mut last) = (Vec::new(), Vec::new(), (0, ""));
        // To Markdown, a line of dashes is a rule.
        let is_asciidoc = text.lines().any(|line| line.starts_with("= ") || line.starts_with("== "));
        let mut open: Option<(Mark, Block)> = None;
        let mut at = 0;
        for whole in text.split_inclusive('\n') {
            let (start, line) = (at, whole.trim_start_matches([' ', '\t', '>']));
            at += whole.len();
            let (before, above) = std::mem::replace(&mut last, (start, line.trim()));
            open = match open {
                Some((mark, block)) if mark.closes(line) => {
                    blocks.push(Block { end: start, ..block });
                    None
                }
                Some(open) => Some(open),
                None => {
                    let found = if start == 0 { Mark::of_page(whole) } else { None }.or_else(|| Mark::opened(line, above, is_asciidoc));
                    if found.is_none() && whole.trim_start().starts_with('#') {
                        headings.push(start);
                    }
                    found.map(|(mark, language)| {
                        let opened = if matches!(mark, Mark::Listing) && above.starts_with(SOURCE) { before } else { start };
                        (mark, Block { language: language.to_ascii_lowercase(), opened, start: at, end: text.len() })
                    })
                }
            };
        }
        blocks.extend(open.map(|(_, block)| block));
        Page { text, blocks, headings }
    }

    /// The block between marks that a line is in.
    pub(super) fn fenced(&self, line: Span) -> Option<&Block> {
        let next = self.blocks.partition_point(|block| block.start <= line.start);
        self.blocks[..next].last().filter(|block| line.start <= block.end)
    }

    /// The block that a line is in, if its indentation tells: behind `::` in reStructuredText, behind an empty line that
    /// follows no list in Markdown.
    pub(super) fn indented(&self, line: Span) -> Option<Block> {
        let block = |language, opened, start| Block { language, opened, start, end: self.text.len() };
        let mut least = indent(&self.text[line.range()]);
        let (mut at, mut empty, mut behind_empty, mut in_list) = (line.start, false, None, false);
        for above in self.text[..line.start].split_inclusive('\n').rev() {
            if least == 0 {
                break;
            }
            let end = at;
            at -= above.len();
            let words = above.trim();
            if !words.is_empty() && indent(above) < least {
                if let Some(language) = directive(words) {
                    return Some(block(language.to_ascii_lowercase(), at, end));
                }
                if words.ends_with("::") {
                    return Some(block(String::new(), end, end));
                }
                if empty && least >= 4 && indent(above) < 4 {
                    behind_empty = Some(end);
                }
                in_list |= is_list_item(words);
                least = indent(above);
            }
            empty = words.is_empty();
        }
        behind_empty.filter(|_| !in_list).map(|end| block(String::new(), end, end))
    }

    /// The last heading above a place. Lines of blocks are none: what starts with `#` there is a comment or a prompt.
    pub(super) fn heading(&self, at: usize) -> &'a str {
        let above = self.headings.partition_point(|&start| start < at);
        let line = self.headings[..above].last().and_then(|&start| self.text[start..].lines().next());
        line.unwrap_or_default().trim_start().trim_start_matches('#')
    }
}

impl Block {
    /// What of it stands above a line of it.
    pub(super) fn above<'t>(&self, text: &'t str, line: Span) -> &'t str {
        &text[self.start..line.start]
    }
}

/// The language that a directive of reStructuredText gives the block below it.
fn directive(line: &str) -> Option<&str> {
    let marks = [".. code-block::", ".. code::", ".. sourcecode::", ".. prompt::"];
    marks.iter().find_map(|mark| line.strip_prefix(mark)).map(str::trim)
}

/// How far a line is indented; a tab counts as four columns.
fn indent(line: &str) -> usize {
    let blanks = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    blanks.len() + 3 * blanks.matches('\t').count()
}

/// Whether a line begins an entry of a list.
fn is_list_item(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark)) || number.len() < line.len() && number.starts_with(['.', ')'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(page: &str, word: &str) -> Span {
        let at = page.find(word).expect("is there");
        let start = page[..at].rfind('\n').map_or(0, |at| at + 1);
        Span::new(start, page[at..].find('\n').map_or(page.len(), |end| at + end))
    }

    #[test]
    fn headings_stand_outside_of_blocks() {
        let heading = |page: &str| Page::new(page).heading(page.len()).to_owned();
        assert_eq!(heading("# Data base\n```sh\n# mysql -p\n"), " Data base");
        assert_eq!(heading("# Old\n~~~\n# no\n```\n~~~\n## New 2\n"), " New 2");
        assert_eq!(heading("# Old\n[source,sh]\n----\n# no\n----\n"), " Old");
        assert_eq!(heading("# Old\n----\n# New\n----\n"), " New");
        assert_eq!(Page::new("a\n# B\n").heading(0), "");
    }

    fn language(page: &str, word: &str) -> Option<String> {
        Page::new(page).fenced(line(page, word)).map(|block| block.language.clone())
    }

    #[test]
    fn listings_of_asciidoc_need_no_attributes() {
        assert_eq!(language("== Keys\n\n----\nkeytool\n----\n", "keytool"), Some(String::new()));
        assert_eq!(language("# Keys\n\n----\nkeytool\n----\n", "keytool"), None);
    }

    #[test]
    fn blocks_end_at_their_own_marks() {
        let page = "```yaml\na: 1\n```\nb\n~~~\n```\nc\n~~~\n> ```sh\n> d\n";
        assert_eq!(language(page, "a: 1"), Some("yaml".to_owned()));
        assert_eq!(language(page, "b"), None);
        assert_eq!(language(page, "c"), Some(String::new()));
        assert_eq!(language(page, "d"), Some("sh".to_owned()));
        let first = line(page, "a: 1");
        assert_eq!(Page::new(page).fenced(first).map(|block| block.above(page, first)), Some(""));
    }

    #[test]
    fn tags_enclose_blocks() {
        let page = "{{< highlight bash >}}\nrun\n{{< / highlight >}}\nend\n<pre class=\"x\">\nlog\n</pre>\n{% highlight sh %}\ngo\n{% endhighlight %}\n";
        assert_eq!(language(page, "run"), Some("bash".to_owned()));
        assert_eq!(language(page, "end"), None);
        assert_eq!(language(page, "log"), Some(String::new()));
        assert_eq!(language(page, "go"), Some("sh".to_owned()));
    }
}
