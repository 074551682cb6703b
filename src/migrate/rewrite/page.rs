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

/// What opens and closes a listing of AsciiDoc.
const LISTING: &str = "----";

/// A tag around a block: of Hugo, of Jekyll, of HTML.
struct Tag {
    name: &'static str,
    starts: &'static [&'static str],
    ends: &'static [&'static str],
}

const TAGS: [Tag; 3] = [
    Tag { name: "hugo", starts: &["{{< highlight", "{{% highlight"], ends: &["/highlight", "/ highlight"] },
    Tag { name: "jekyll", starts: &["{% highlight"], ends: &["{% endhighlight"] },
    Tag { name: "html", starts: &["<pre"], ends: &["</pre>"] },
];

impl Tag {
    /// Whether a line opens a block that goes on below it.
    fn opens(&self, line: &str) -> bool {
        self.starts.iter().any(|start| line.starts_with(start)) && !self.ends.iter().any(|end| line.contains(end))
    }
}

impl<'a> Page<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let (mut blocks, mut headings, mut style) = (Vec::new(), Vec::new(), (0, ""));
        let mut open: Option<(&str, Block)> = None;
        let mut at = 0;
        for whole in text.split_inclusive('\n') {
            let (start, line) = (at, whole.trim_start_matches([' ', '\t', '>']));
            at += whole.len();
            let (before, above) = std::mem::replace(&mut style, (start, line.trim()));
            if let Some((known, block)) = open.take_if(|(known, _)| TAGS.iter().any(|tag| tag.name == *known)) {
                let closes = TAGS.iter().any(|tag| tag.name == known && tag.ends.iter().any(|end| line.contains(end)));
                match closes {
                    true => blocks.push(Block { end: start, ..block }),
                    false => open = Some((known, block)),
                }
                continue;
            }
            if let Some(tag) = TAGS.iter().find(|tag| open.is_none() && tag.opens(line)) {
                let words = line.trim_start_matches(['{', '<', '%', ' ']).split_whitespace();
                let language = words.skip(1).find(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic())).unwrap_or_default();
                open = Some((tag.name, Block { language: language.to_ascii_lowercase(), opened: start, start: at, end: text.len() }));
                continue;
            }
            let marker = match () {
                () if line.starts_with("```") => "```",
                () if line.starts_with("~~~") => "~~~",
                // `[source,bash]`, `----`
                () if line.trim_end() == LISTING && (open.is_some() || above.starts_with("[source")) => LISTING,
                () => {
                    if open.is_none() && whole.trim_start().starts_with('#') {
                        headings.push(start);
                    }
                    continue;
                }
            };
            open = match open {
                // What closes a block has no language.
                Some((known, block)) if known == marker && line.trim_end().chars().all(|c| marker.starts_with(c)) => {
                    blocks.push(Block { end: start, ..block });
                    None
                }
                None => {
                    let (opened, language) = match marker {
                        LISTING => (before, above.trim_end_matches(']').split(',').nth(1).unwrap_or_default().trim()),
                        _ => (start, line[3..].trim_start_matches(['`', '~']).split_whitespace().next().unwrap_or_default()),
                    };
                    Some((marker, Block { language: language.to_ascii_lowercase(), opened, start: at, end: text.len() }))
                }
                other => other,
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
        assert_eq!(Page::new("a\n# B\n").heading(0), "");
    }

    #[test]
    fn blocks_end_at_their_own_marks() {
        let page = "```yaml\na: 1\n```\nb\n~~~\n```\nc\n~~~\n> ```sh\n> d\n";
        let blocks = Page::new(page);
        let language = |word| blocks.fenced(line(page, word)).map(|block| block.language.clone());
        assert_eq!(language("a: 1"), Some("yaml".to_owned()));
        assert_eq!(language("b"), None);
        assert_eq!(language("c"), Some(String::new()));
        assert_eq!(language("d"), Some("sh".to_owned()));
        let page = "{{< highlight bash >}}\nrun\n{{< / highlight >}}\nend\n<pre class=\"x\">\nlog\n</pre>\n{% highlight sh %}\ngo\n{% endhighlight %}\n";
        let tagged = Page::new(page);
        let language = |word| tagged.fenced(line(page, word)).map(|block| block.language.clone());
        assert_eq!(language("run"), Some("bash".to_owned()));
        assert_eq!(language("end"), None);
        assert_eq!(language("log"), Some(String::new()));
        assert_eq!(language("go"), Some("sh".to_owned()));
        let page = "```yaml\na: 1\n```\n";
        let blocks = Page::new(page);
        assert_eq!(blocks.fenced(line(page, "a: 1")).map(|block| block.above(page, line(page, "a: 1"))), Some(""));
    }
}
