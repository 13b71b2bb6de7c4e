//! Splits JSON texts into pieces without parsing them.

/// A piece of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'t> {
    Number(&'t str),
    /// With its quotes.
    String(&'t str),
    /// Anything in between: brackets, commas, literals, whitespace.
    Other(&'t str),
}

impl<'t> Piece<'t> {
    pub fn text(self) -> &'t str {
        match self {
            Piece::Number(text) | Piece::String(text) | Piece::Other(text) => text,
        }
    }
}

/// The pieces of a text in order, which together are the whole text, even if it is not valid JSON.
pub fn pieces(json: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = json;
    std::iter::from_fn(move || {
        let (kind, length): (fn(_) -> _, _) = match rest.as_bytes().first()? {
            b'"' => (Piece::String, string_length(rest)),
            b'-' | b'0'..=b'9' => (Piece::Number, length_while(rest, is_of_number)),
            _ => (Piece::Other, length_while(rest, is_between)),
        };
        let piece;
        (piece, rest) = rest.split_at(length);
        Some(kind(piece))
    })
}

fn length_while(text: &str, belongs: fn(u8) -> bool) -> usize {
    let end = text.bytes().position(|byte| !belongs(byte));
    end.unwrap_or(text.len())
}

fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

fn is_between(byte: u8) -> bool {
    !matches!(byte, b'"' | b'-' | b'0'..=b'9')
}

/// The length of the string at the beginning of a text.
fn string_length(text: &str) -> usize {
    let mut escaped = true; // the opening quote
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether a number is an integer that does not fit 64 bits, signed or unsigned.
pub fn is_beyond_64_bits(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    digits.bytes().all(|byte| byte.is_ascii_digit())
        && number.parse::<i64>().is_err()
        && number.parse::<u64>().is_err()
}

/// The minimum number of digits of an integer that is not a safe integer in JavaScript.
const UNSAFE_DIGITS: usize = 16;
/// The greatest safe integer.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// Whether a text may contain an integer of up to 64 bits that is not a safe integer in JavaScript.
/// There are no false negatives.
///
/// Outside digits, only one byte in `UNSAFE_DIGITS` is examined, because this runs on everything
/// that is read.
pub fn has_unsafe_integer(json: &str) -> bool {
    let bytes = json.as_bytes();
    let mut at = UNSAFE_DIGITS - 1;
    while let Some(byte) = bytes.get(at) {
        if byte.is_ascii_digit() {
            let before = bytes[..at].iter().rev();
            let start = at - before.take_while(|byte| byte.is_ascii_digit()).count();
            let behind = bytes[at..].iter();
            at += behind.take_while(|byte| byte.is_ascii_digit()).count();
            if is_unsafe(json, start, at) {
                return true;
            }
        }
        at += UNSAFE_DIGITS;
    }
    false
}

/// Whether the digits from `start` to `end` are such an integer.
fn is_unsafe(json: &str, start: usize, end: usize) -> bool {
    let bytes = json.as_bytes();
    let before = start.checked_sub(1).map(|at| bytes[at]);
    let is_fraction = matches!(before, Some(b'.' | b'e' | b'E' | b'+'));
    let is_float = is_fraction || matches!(bytes.get(end), Some(b'.' | b'e' | b'E'));
    let value = json.get(start..end).map(str::parse::<u64>);
    let max = if before == Some(b'-') {
        1 << 63
    } else {
        u64::MAX
    };
    !is_float && matches!(value, Some(Ok(value)) if value > MAX_SAFE && value <= max)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    #[test]
    fn pieces_of_a_text() {
        use Piece::{Number, Other, String};
        let all: Vec<_> = pieces(r#"{"a\"1":[-1.5e+3, 2,true,"\\"],"é":null}"#).collect();
        let expected = [
            Other("{"),
            String(r#""a\"1""#),
            Other(":["),
            Number("-1.5e+3"),
            Other(", "),
            Number("2"),
            Other(",true,"),
            String(r#""\\""#),
            Other("],"),
            String("\"é\""),
            Other(":null}"),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn integers_of_more_than_64_bits() {
        for fits in [
            "0",
            "-0",
            "18446744073709551615",
            "-9223372036854775808",
            "1e30",
            "1.0",
            "-1.5",
        ] {
            assert!(!is_beyond_64_bits(fits), "{fits}");
        }
        for beyond in [
            "18446744073709551616",
            "-9223372036854775809",
            "100000000000000000000000",
        ] {
            assert!(is_beyond_64_bits(beyond), "{beyond}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 5_000,
            failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(2024),
            ..ProptestConfig::default()
        })]

        #[test]
        fn the_pieces_are_all_of_a_text(text in r#"[\[\]{}":,\\a-c0-9é .\-e]{0,60}"#) {
            let all: String = pieces(&text).map(Piece::text).collect();
            prop_assert_eq!(all, text);
        }

        #[test]
        fn no_unsafe_integer_is_overlooked(
            values in vec(prop_oneof![
                3 => any::<u64>().prop_map(|value| (value.to_string(), value > MAX_SAFE)),
                3 => any::<i64>().prop_map(|value| (value.to_string(), value.unsigned_abs() > MAX_SAFE)),
                2 => (-3_i64..=3).prop_map(|by| {
                    let value = (1_i64 << 53) + by;
                    (value.to_string(), value.unsigned_abs() > MAX_SAFE)
                }),
                2 => any::<f64>().prop_filter("JSON", |value| value.is_finite())
                    .prop_map(|value| (serde_json::to_string(&value).unwrap(), false)),
                1 => any::<u32>().prop_map(|value| (value.to_string(), false)),
                1 => any::<u32>().prop_map(|value| (format!("\"{value}\""), false)),
                1 => select(vec!["184467440737095516160", "-9223372036854775809", "[]", "\"a\""])
                    .prop_map(|text| (text.to_owned(), false)),
            ], 0..12),
            blanks in 0..20_usize,
        ) {
            let all: Vec<&str> = values.iter().map(|(text, _)| text.as_str()).collect();
            let text = format!("{{\"a\":{}[{}]}}", " ".repeat(blanks), all.join(","));
            let expected = values.iter().any(|(_, is_unsafe)| *is_unsafe);
            prop_assert_eq!(has_unsafe_integer(&text), expected, "{}", text);
        }
    }
}
