//! Updates of many vectors.

use std::collections::HashMap;

use super::arguments::NOTHING_TO_UPDATE;
use crate::{
    cancel,
    collection::{ExpiryChange, Name, Places, Update, UpdateOf},
    error::{Error, Result},
};

/// The update of one of many vectors, as both APIs read it.
pub struct UpdateRow {
    pub id: String,
    pub data: Option<Vec<f32>>,
    /// Whether the caller's embedder made the data of the text.
    pub is_embedded: bool,
    pub text: Option<Box<str>>,
    /// The text of a JSON object.
    pub metadata: Option<Box<str>>,
    pub expires_at: ExpiryChange,
}

impl UpdateRow {
    /// Checks that it changes something. `name` is what the caller calls it.
    fn check(&self, name: impl Fn() -> String) -> Result<()> {
        let keeps_expiry = matches!(self.expires_at, ExpiryChange::Keep);
        let is_empty = self.data.is_none() && self.text.is_none() && self.metadata.is_none();
        if is_empty && keeps_expiry {
            let message = format!("{}: {NOTHING_TO_UPDATE}", name());
            return Err(Error::Validation(message));
        }
        if self.text.as_deref() == Some("") {
            return Err(Error::Validation(format!("{}.text is empty", name())));
        }
        Ok(())
    }
}

/// Checks that no vector is updated twice, and that each update changes something: before any text
/// is embedded, which takes longer.
pub fn check_updates(rows: &[UpdateRow], Places { list, .. }: Places) -> Result<()> {
    let mut indexes = HashMap::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        row.check(|| format!("{list}[{at}]"))?;
        if let Some(first) = indexes.insert(row.id.as_str(), at) {
            return Err(Error::Validation(format!(
                "{list}[{at}].id is that of {list}[{first}] too: give one update for each vector"
            )));
        }
    }
    Ok(())
}

/// The updates of rows that have been checked. Texts without a vector are embedded with `embed`.
pub fn updates(
    rows: Vec<UpdateRow>,
    Places { list, vector }: Places,
    embed: impl Fn(&str) -> Vec<f32>,
) -> Result<Vec<UpdateOf>> {
    let update = |(at, row): (usize, UpdateRow)| {
        cancel::check()?;
        let embedded = || row.text.as_deref().map(&embed);
        let update = Update {
            data: row.data.or_else(embedded),
            name: match row.is_embedded {
                true => Name::MadeOf(format!("{list}[{at}].text").into()),
                false => Name::At(format!("{list}[{at}].{vector}").into()),
            },
            text: row.text,
            metadata: row.metadata,
            expires_at: row.expires_at,
        };
        Ok(UpdateOf { id: row.id, update })
    };
    rows.into_iter().enumerate().map(update).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: Places = Places {
        list: "updates",
        vector: "data",
    };

    fn row(id: &str) -> UpdateRow {
        UpdateRow {
            id: id.into(),
            data: None,
            is_embedded: false,
            text: None,
            metadata: None,
            expires_at: ExpiryChange::Keep,
        }
    }

    fn refusal(rows: Vec<UpdateRow>) -> Option<String> {
        let refused = check_updates(&rows, PLACES).err();
        refused.map(|error| error.to_string())
    }

    #[test]
    fn updates_that_change_nothing_and_repeated_ids_are_refused_by_their_place() {
        let text = |id, text: &str| UpdateRow {
            text: Some(text.into()),
            ..row(id)
        };
        assert_eq!(
            refusal(vec![text("a", "x"), row("b")]).as_deref(),
            Some(
                "updates[1]: there is nothing to update: give a vector, text, metadata or expires_at"
            )
        );
        assert_eq!(
            refusal(vec![text("a", "x"), text("b", "")]).as_deref(),
            Some("updates[1].text is empty")
        );
        assert_eq!(
            refusal(vec![text("a", "x"), text("b", "x"), text("a", "y")]).as_deref(),
            Some("updates[2].id is that of updates[0] too: give one update for each vector")
        );
        assert_eq!(refusal(Vec::new()), None);
    }

    #[test]
    fn only_texts_without_a_vector_are_embedded_and_each_vector_has_its_name() {
        let text = |id, data: Option<Vec<f32>>, is_embedded| UpdateRow {
            data,
            is_embedded,
            text: Some("abc".into()),
            ..row(id)
        };
        let never = UpdateRow {
            expires_at: ExpiryChange::Never,
            ..row("d")
        };
        let rows = vec![
            text("a", None, false),
            text("b", Some(vec![1.0]), false),
            text("c", Some(vec![2.0]), true),
            never,
        ];
        let made = updates(rows, PLACES, |text| vec![text.len() as f32]).unwrap();
        let of = |UpdateOf { id, update }: &UpdateOf| {
            (id.clone(), update.data.clone(), update.name.to_string())
        };
        let expected = [
            ("a", Some(3.0), "updates[0].data"),
            ("b", Some(1.0), "updates[1].data"),
            (
                "c",
                Some(2.0),
                "what the embedder returned for updates[2].text",
            ),
            ("d", None, "updates[3].data"),
        ];
        for (update, (id, value, name)) in made.iter().zip(expected) {
            let data = value.map(|value| vec![value]);
            assert_eq!(of(update), (id.to_owned(), data, name.to_owned()));
        }
        assert_eq!(made.len(), expected.len());
    }
}
