//! Parses strings that are dates.

use time::{Date, Month, Time};

/// The instant of a date or date-time, in nanoseconds since 1970; `None` for other strings.
///
/// More lenient than RFC 3339 in that the zone may be missing and the time may follow a space, and
/// stricter in that there is no second 60, which JavaScript does not know either. Digits beyond the
/// nanosecond are truncated.
pub(super) fn instant(text: &[u8]) -> Option<i128> {
    // Most strings are not dates, and are rejected here.
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, rest @ ..] = text else {
        return None;
    };
    let year = i32::from(two(*y1, *y2)?) * 100 + i32::from(two(*y3, *y4)?);
    let month = Month::try_from(two(*m1, *m2)?).ok()?;
    let date = Date::from_calendar_date(year, month, two(*d1, *d2)?).ok()?;
    let (time, offset) = match rest {
        [] => (Time::MIDNIGHT, 0),
        _ => time_and_offset(rest)?,
    };
    let local = date.with_time(time).assume_utc().unix_timestamp_nanos();
    Some(local - offset)
}

/// Parses `T10:20:30`, a fraction and a zone: the time, and its offset from UTC in nanoseconds.
fn time_and_offset(text: &[u8]) -> Option<(Time, i128)> {
    let [
        b'T' | b't' | b' ',
        h1,
        h2,
        b':',
        m1,
        m2,
        b':',
        s1,
        s2,
        rest @ ..,
    ] = text
    else {
        return None;
    };
    let (nanos, zone) = match rest {
        [b'.', rest @ ..] => fraction(rest)?,
        _ => (0, rest),
    };
    let time = Time::from_hms_nano(two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?, nanos).ok()?;
    let offset = match zone {
        [] | [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(*h1, *h2)?, two(*m1, *m2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i128::from(hours) * 3600 + i128::from(minutes) * 60;
            let ahead = seconds * 1_000_000_000;
            if *sign == b'-' { -ahead } else { ahead }
        }
        _ => return None,
    };
    Some((time, offset))
}

/// The nanoseconds of the leading digits, of which at least one is required, and the rest.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(digits)?;
    if digits.is_empty() {
        return None;
    }
    let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    let nanos = padded.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
    Some((nanos, rest))
}

/// A number of two digits.
fn two(tens: u8, ones: u8) -> Option<u8> {
    let both = tens.is_ascii_digit() && ones.is_ascii_digit();
    both.then(|| (tens - b'0') * 10 + (ones - b'0'))
}

#[cfg(test)]
mod tests {
    use super::instant;

    /// 2024-01-01, in seconds.
    const NEW_YEAR: i128 = 1_704_067_200;

    #[test]
    fn dates() {
        let cases = [
            ("2024-01-01", NEW_YEAR, 0),
            ("2024-01-01T00:00:00", NEW_YEAR, 0),
            ("2024-01-01T00:00:00Z", NEW_YEAR, 0),
            ("2024-01-01t00:00:00z", NEW_YEAR, 0),
            ("2024-01-01 00:00:00-00:00", NEW_YEAR, 0),
            ("2024-01-01T05:30:00+05:30", NEW_YEAR, 0),
            ("2023-12-31T23:00:00-01:00", NEW_YEAR, 0),
            ("2024-01-01T00:00:00.5Z", NEW_YEAR, 500_000_000),
            ("2024-01-01T00:00:00.123456789", NEW_YEAR, 123_456_789),
            (
                "2024-01-01T00:00:00.1234567899999+00:00",
                NEW_YEAR,
                123_456_789,
            ),
            ("2024-02-29", NEW_YEAR + 59 * 86_400, 0),
            ("1969-12-31T23:59:59Z", -1, 0),
            ("0000-01-01", -62_167_219_200, 0),
            ("9999-12-31T23:59:59-23:59", 253_402_300_799 + 86_340, 0),
        ];
        for (text, seconds, nanos) in cases {
            let expected = Some(seconds * 1_000_000_000 + nanos);
            assert_eq!(instant(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_dates() {
        let cases = [
            "",
            "2024",
            "2024-01",
            "2024-1-1",
            "20240101",
            "2024/01/01",
            "2024-00-01",
            "2024-13-01",
            "2024-01-00",
            "2024-02-30",
            "2023-02-29",
            "12024-01-01",
            "-2024-01-01",
            "+2024-01-01",
            " 2024-01-01",
            "2024-01-01 ",
            "2024-01-01T",
            "2024-01-01Z",
            "2024-01-01T00:00",
            "2024-01-01T00:00Z",
            "2024-01-01T24:00:00",
            "2024-01-01T00:60:00",
            "2024-01-01T23:59:60Z",
            "2024-01-01T00:00:00.",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00,5",
            "2024-01-01T00:00:00 Z",
            "2024-01-01T00:00:00+01",
            "2024-01-01T00:00:00+0100",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00+00:60",
            "2024-01-01T00:00:00Zx",
            "2024-01-01_00:00:00",
            "２０２４-01-01",
            "2024-01-0１",
        ];
        for text in cases {
            assert_eq!(instant(text.as_bytes()), None, "{text}");
        }
    }
}
