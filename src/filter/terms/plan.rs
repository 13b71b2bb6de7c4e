//! What is queried in the rows.

use std::{collections::BTreeSet, ops::Bound};

use serde::Serialize;

use super::{Field, Kind, Role, Single, TEXT_BYTES, ordered_instant, ordered_number, ordered_text};
use crate::{
    error::{Error, Result},
    filter::{
        tree::{Filter, Interval, Range, Scalar, StringRange, Test},
        value::Path,
    },
};

/// A filter expressed as conditions on terms and ranges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    pub expression: Expression,
    /// Rows for which the plan may give the wrong answer.
    pub guards: Vec<Guard>,
}

/// Which rows match. No list in it is empty, and no list contains a constant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    /// The row has one of these terms.
    Any(BTreeSet<String>),
    /// The row has none of these terms.
    None(BTreeSet<String>),
    /// The row's id is one of these.
    Ids(Vec<Box<str>>),
    NotIds(Vec<Box<str>>),
    /// How the row's range for a key compares with a text, by code points. False if there is no
    /// such range.
    Compare(String, Operator, String),
    /// Every row, or none.
    #[serde(untagged)]
    Constant(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Operator {
    #[serde(rename = "<")]
    Lt,
    #[serde(rename = "<=")]
    Lte,
    #[serde(rename = ">")]
    Gt,
    #[serde(rename = ">=")]
    Gte,
}

/// A row with one of these terms has several values at the path, and the plan cannot tell whether
/// one of them meets the whole condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guard {
    pub terms: BTreeSet<String>,
    pub path: String,
}

impl Plan {
    /// The plan that matches the same rows as a filter, among all rows that match no guard.
    ///
    /// # Errors
    ///
    /// `Unsupported` if there is none: for a bound that is a long text.
    pub fn of(filter: &Filter) -> Result<Self> {
        plan(filter, false)
    }

    fn constant(value: bool) -> Self {
        Expression::Constant(value).into()
    }
}

impl From<Expression> for Plan {
    fn from(expression: Expression) -> Self {
        Self {
            expression,
            guards: Vec::new(),
        }
    }
}

/// How a list of conditions is joined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Join {
    All,
    Any,
}

impl Join {
    /// De Morgan: the complement of a list is the other kind of list of the complements.
    fn negated_if(self, negated: bool) -> Self {
        if (self == Join::All) == negated {
            Join::Any
        } else {
            Join::All
        }
    }

    fn of(self, plans: impl IntoIterator<Item = Plan>) -> Plan {
        let neutral = self == Join::All;
        let mut parts = Vec::new();
        let mut guards: Vec<Guard> = Vec::new();
        for plan in plans {
            match (plan.expression, self) {
                (Expression::Constant(value), _) if value == neutral => {}
                (Expression::Constant(value), _) => return Plan::constant(value),
                (Expression::And(list), Join::All) | (Expression::Or(list), Join::Any) => {
                    parts.extend(list);
                }
                (part, _) => parts.push(part),
            }
            for guard in plan.guards {
                if !guards.contains(&guard) {
                    guards.push(guard);
                }
            }
        }
        let expression = match (parts.pop(), parts.is_empty()) {
            (None, _) => Expression::Constant(neutral),
            (Some(only), true) => only,
            (Some(last), false) => {
                parts.push(last);
                match self {
                    Join::All => Expression::And(parts),
                    Join::Any => Expression::Or(parts),
                }
            }
        };
        Plan { expression, guards }
    }
}

/// The plan of a filter or of its complement.
fn plan(filter: &Filter, negated: bool) -> Result<Plan> {
    let joined = |join: Join, parts: &[Filter]| {
        let parts: Result<Vec<Plan>> = parts.iter().map(|part| plan(part, negated)).collect();
        Ok(join.negated_if(negated).of(parts?))
    };
    match filter {
        // An empty list matches nothing, as everywhere.
        Filter::And(parts) if parts.is_empty() => Ok(Plan::constant(negated)),
        Filter::And(parts) => joined(Join::All, parts),
        Filter::Or(parts) => joined(Join::Any, parts),
        Filter::Not(part) => plan(part, !negated),
        Filter::HasId(ids) if ids.is_empty() => Ok(Plan::constant(negated)),
        Filter::HasId(ids) if negated => Ok(Expression::NotIds(ids.clone()).into()),
        Filter::HasId(ids) => Ok(Expression::Ids(ids.clone()).into()),
        Filter::Field { path, test } => FieldCondition {
            path,
            field: Field::of(path),
            negated,
        }
        .test(test),
    }
}

/// A condition on one field: a test, or its complement.
struct FieldCondition<'f> {
    path: &'f Path,
    field: Field,
    negated: bool,
}

/// One side of an interval: the end of a range, and the bound it must meet.
type Side = (Role, Bound<String>);

impl FieldCondition<'_> {
    fn test(&self, test: &Test) -> Result<Plan> {
        Ok(match test {
            Test::In(scalars) => self.has(scalars.iter().map(single)),
            Test::Except(scalars) => self.other_than(scalars),
            Test::Range(Range::Numbers(range)) => {
                self.interval(Kind::Number, range, |number| Ok(ordered_number(*number)))?
            }
            Test::Range(Range::Strings(range)) => self.strings(range)?,
            Test::Count(range) => {
                self.interval(Kind::Count, range, |count| Ok(ordered_number(*count)))?
            }
        })
    }

    /// A value equals one of these.
    fn has<'v>(&self, values: impl Iterator<Item = Single<'v>>) -> Plan {
        let terms = values.map(|value| self.field.equal(&value)).collect();
        self.has_terms(terms)
    }

    fn has_terms(&self, terms: BTreeSet<String>) -> Plan {
        if terms.is_empty() {
            Plan::constant(self.negated)
        } else if self.negated {
            Expression::None(terms).into()
        } else {
            Expression::Any(terms).into()
        }
    }

    fn has_term(&self, role: Role, kind: Kind) -> Plan {
        self.has_terms([self.field.name(role, kind)].into())
    }

    /// A boolean, number or string equals none of these.
    fn other_than(&self, scalars: &[Scalar]) -> Plan {
        let comparable = scalars.iter().filter(|scalar| **scalar != Scalar::Null);
        let equal = comparable.map(|scalar| self.field.equal(&single(scalar)));
        let equal: BTreeSet<String> = equal.collect();
        let different = equal.len();
        let none = FieldCondition {
            negated: !self.negated,
            field: self.field.clone(),
            ..*self
        };
        // Correct for rows with a single value.
        let other = self.all([
            self.has_term(Role::Some, Kind::Value),
            none.has_terms(equal),
        ]);
        match different {
            0 => other,
            // If there are several different values, at least one of them differs from this one.
            1 => self.any([other, self.has_term(Role::Several, Kind::Value)]),
            _ => self.guarded(other, Kind::Value),
        }
    }

    fn strings(&self, range: &StringRange) -> Result<Plan> {
        let instants = sides(&range.instants, |instant| Ok(ordered_instant(*instant)))?;
        let texts = |interval: &Interval<Box<str>>| sides(interval, |text| self.text(text));
        let dates = match (instants, texts(&range.dates)?) {
            (Some(instants), Some(texts)) => {
                // With a single date instant, its bounds hold for all dates or for none, so a
                // single text bound then only has to hold for any of them. With a single date text
                // there is only one date.
                let several = match (instants.len(), texts.len()) {
                    (_, 2) => Some(Kind::DateText),
                    (1, 1) | (2, _) => Some(Kind::Instant),
                    _ => None,
                };
                let instants = instants.into_iter().map(|side| (Kind::Instant, side));
                let texts = texts.into_iter().map(|side| (Kind::DateText, side));
                self.compared(Kind::Instant, instants.chain(texts), several)
            }
            _ => Plan::constant(self.negated),
        };
        let others = if range.dates_only {
            Plan::constant(self.negated)
        } else {
            self.interval(Kind::Text, &range.texts, |text| self.text(text))?
        };
        Ok(self.any([dates, others]))
    }

    /// A text to compare with.
    fn text(&self, text: &str) -> Result<String> {
        if text.len() < TEXT_BYTES {
            return Ok(ordered_text(text.as_bytes()));
        }
        Err(Error::Unsupported(format!(
            "filter.{}: a bound is a text of {} bytes, and the engine compares only the first \
             {TEXT_BYTES}: it must be shorter",
            self.path.as_str(),
            text.len(),
        )))
    }

    fn interval<T: Ord>(
        &self,
        kind: Kind,
        interval: &Interval<T>,
        ordered: impl Fn(&T) -> Result<String>,
    ) -> Result<Plan> {
        Ok(match sides(interval, ordered)? {
            None => Plan::constant(self.negated),
            Some(sides) => {
                let several = (sides.len() > 1).then_some(kind);
                let sides = sides.into_iter().map(|side| (kind, side));
                self.compared(kind, sides, several)
            }
        })
    }

    /// There is a value of a kind, and the ends of its ranges meet the bounds. This may be wrong
    /// for rows with several values of the kind `several`.
    fn compared(
        &self,
        kind: Kind,
        sides: impl Iterator<Item = (Kind, Side)>,
        several: Option<Kind>,
    ) -> Plan {
        let mut parts: Vec<Plan> = sides
            .map(|(kind, (end, bound))| self.compare(self.field.name(end, kind), end, bound))
            .collect();
        // A comparison implies that there is a value, but its complement does not imply that there
        // is none.
        if parts.is_empty() || self.negated {
            parts.push(self.has_term(Role::Some, kind));
        }
        let plan = self.all(parts);
        match several {
            Some(kind) => self.guarded(plan, kind),
            None => plan,
        }
    }

    fn compare(&self, key: String, end: Role, bound: Bound<String>) -> Plan {
        use Operator::{Gt, Gte, Lt, Lte};
        let (inclusive, value) = match bound {
            Bound::Included(value) => (true, value),
            Bound::Excluded(value) => (false, value),
            Bound::Unbounded => return Plan::constant(!self.negated),
        };
        let operator = match (end, inclusive, self.negated) {
            (Role::Greatest, true, false) => Gte,
            (Role::Greatest, false, false) => Gt,
            (Role::Greatest, true, true) => Lt,
            (Role::Greatest, false, true) => Lte,
            (_, true, false) => Lte,
            (_, false, false) => Lt,
            (_, true, true) => Gt,
            (_, false, true) => Gte,
        };
        Expression::Compare(key, operator, value).into()
    }

    /// The plan, with a guard for rows with several values of a kind.
    fn guarded(&self, mut plan: Plan, kind: Kind) -> Plan {
        plan.guards.push(Guard {
            terms: [self.field.name(Role::Several, kind)].into(),
            path: self.path.as_str().to_owned(),
        });
        plan
    }

    fn all(&self, parts: impl IntoIterator<Item = Plan>) -> Plan {
        Join::All.negated_if(self.negated).of(parts)
    }

    fn any(&self, parts: impl IntoIterator<Item = Plan>) -> Plan {
        Join::Any.negated_if(self.negated).of(parts)
    }
}

/// The bounded sides of an interval, or `None` if nothing can lie between them. Some value is above
/// a bound if the greatest is, and below it if the least is.
fn sides<T: Ord>(
    interval: &Interval<T>,
    ordered: impl Fn(&T) -> Result<String>,
) -> Result<Option<Vec<Side>>> {
    let Some((lower, upper)) = interval.bounds() else {
        return Ok(None);
    };
    let mut sides = Vec::new();
    for (end, bound) in [(Role::Greatest, lower), (Role::Least, upper)] {
        match bound {
            Bound::Included(value) => sides.push((end, Bound::Included(ordered(value)?))),
            Bound::Excluded(value) => sides.push((end, Bound::Excluded(ordered(value)?))),
            Bound::Unbounded => {}
        }
    }
    Ok(Some(sides))
}

fn single(scalar: &Scalar) -> Single<'_> {
    match scalar {
        Scalar::Null => Single::Null,
        Scalar::Bool(value) => Single::Bool(*value),
        Scalar::Number(number) => Single::Number(*number),
        Scalar::Text(text) => Single::Text(text.as_bytes()),
        Scalar::Instant(instant) => Single::Instant(*instant),
    }
}
