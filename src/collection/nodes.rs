//! The values in a JSON text, without copying any of them.
//!
//! Metadata may be nested deeply and belong to a vector that is about to be deleted. So they are
//! read where they are, without recursion and without copying any of their strings.

use std::cmp::Ordering;

use crate::json::{Piece, pieces};

/// A value in a JSON text, or the key of a member.
pub(super) struct Node<'t> {
    /// All of it, without whitespace around it.
    pub(super) text: &'t str,
    /// The index of the first node that is not in it.
    pub(super) end: usize,
}

/// What kinds of values are told apart by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    String,
    Array,
    Object,
    /// `null`, `true` or `false`, by the first letter.
    Literal(u8),
}

impl Node<'_> {
    pub(super) fn kind(&self) -> Kind {
        match self.text.as_bytes().first() {
            Some(b'"') => Kind::String,
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            first => Kind::Literal(first.copied().unwrap_or_default()),
        }
    }
}

/// The nodes of a JSON text, each before those in it. `None` if it is not well-formed.
pub(super) fn nodes(json: &str) -> Option<Vec<Node<'_>>> {
    let mut nodes = Vec::new();
    // Arrays and objects that have not ended: where they begin, as nodes and as text.
    let mut open = Vec::new();
    let mut offset = 0;
    for piece in pieces(json) {
        let begin = offset;
        offset += piece.text().len();
        let between = match piece {
            Piece::Number(text) | Piece::String(text) => {
                let end = nodes.len() + 1;
                nodes.push(Node { text, end });
                continue;
            }
            Piece::Other(between) => between,
        };
        for (at, byte) in (begin..).zip(between.bytes()) {
            let len = match byte {
                b'[' | b'{' => {
                    open.push((nodes.len(), at));
                    1
                }
                b']' | b'}' => {
                    let (begun, from) = open.pop()?;
                    let (text, end) = (json.get(from..=at)?, nodes.len());
                    *nodes.get_mut(begun)? = Node { text, end };
                    continue;
                }
                // The first letters of literals, which occur in no other place of one.
                b'n' | b't' => 4,
                b'f' => 5,
                _ => continue,
            };
            let (text, end) = (json.get(at..at + len)?, nodes.len() + 1);
            nodes.push(Node { text, end });
        }
    }
    let whole = nodes.first().is_some_and(|first| first.end == nodes.len());
    (whole && open.is_empty()).then_some(nodes)
}

/// The indices of the values in the array at `at`, or of the keys and values in the object.
pub(super) fn inside<'n>(nodes: &'n [Node], at: usize) -> impl Iterator<Item = usize> + 'n {
    let end = nodes.get(at).map_or(0, |node| node.end);
    let mut next = at + 1;
    std::iter::from_fn(move || {
        let at = next;
        next = nodes.get(at).filter(|_| at < end)?.end;
        Some(at)
    })
}

/// The keys of the object at `at`, with the indices of their values.
pub(super) fn entries<'t>(nodes: &[Node<'t>], at: usize) -> impl Iterator<Item = (&'t str, usize)> {
    let mut keys = inside(nodes, at);
    std::iter::from_fn(move || {
        let (key, value) = (keys.next()?, keys.next()?);
        Some((nodes.get(key)?.text, value))
    })
}

/// The same in the order of the keys. Of members with the same key, the last one counts.
pub(super) fn members<'t>(nodes: &[Node<'t>], at: usize) -> Vec<(&'t str, usize)> {
    let mut members: Vec<_> = entries(nodes, at).collect();
    // The last one first, as the sort keeps the order of equal keys.
    members.reverse();
    members.sort_by(|(one, _), (other, _)| in_order(one, other));
    members.dedup_by(|(one, _), (other, _)| is_same_string(one, other));
    members
}

/// The order of two keys as strings.
pub(super) fn in_order(one: &str, other: &str) -> Ordering {
    Units::of(one).cmp(Units::of(other))
}

pub(super) fn is_same_string(one: &str, other: &str) -> bool {
    one == other || Units::of(one).eq(Units::of(other))
}

/// The UTF-16 code units of a JSON string: an escape may stand for half a surrogate pair.
struct Units<'t> {
    rest: std::str::Chars<'t>,
    /// The second half of a pair.
    low: Option<u16>,
}

impl<'t> Units<'t> {
    /// Of a string with its quotes.
    fn of(string: &'t str) -> Self {
        let inner = string.strip_prefix('"').unwrap_or(string);
        let inner = inner.strip_suffix('"').unwrap_or(inner);
        Self {
            rest: inner.chars(),
            low: None,
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.rest.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            other => other,
        })
    }
}

impl Iterator for Units<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if let Some(low) = self.low.take() {
            return Some(low);
        }
        let mut next = self.rest.next()?;
        if next == '\\' {
            let behind = self.rest.as_str();
            let digits = behind.strip_prefix('u').and_then(|digits| digits.get(..4));
            if let Some(unit) = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
                self.rest = behind[5..].chars();
                return Some(unit);
            }
            next = self.escaped()?;
        }
        let mut units = [0; 2];
        let units = next.encode_utf16(&mut units);
        self.low = units.get(1).copied();
        units.first().copied()
    }
}
