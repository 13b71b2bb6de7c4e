//! Values that are overwritten before their memory is freed, so that no deleted data remains in
//! memory that the process reuses.

use std::{
    borrow::{Borrow, Cow},
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use zeroize::{DefaultIsZeroes, Zeroize};

/// A string, or bytes, overwritten when dropped.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wiped<T: Zeroize + ?Sized>(Box<T>);

/// A vector's id, overwritten when the last reference to it is dropped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<Shared<str>>);

/// Values that are overwritten when the last reference to them is dropped.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Shared<T: Zeroize + ?Sized>(T);

impl<T: Zeroize + ?Sized> Drop for Wiped<T> {
    fn drop(&mut self) {
        T::zeroize(&mut self.0);
    }
}

impl Wiped<str> {
    /// The string, which is no longer overwritten when it is dropped.
    pub fn into_inner(mut self) -> Box<str> {
        std::mem::take(&mut self.0)
    }
}

impl<T: Zeroize + ?Sized> Deref for Wiped<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + ?Sized> DerefMut for Wiped<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Zeroize + ?Sized> Clone for Wiped<T>
where
    Box<T>: Clone,
{
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Zeroize + fmt::Debug + ?Sized> fmt::Debug for Wiped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Zeroize + ?Sized> From<Box<T>> for Wiped<T> {
    fn from(value: Box<T>) -> Self {
        Self(value)
    }
}

impl<'a, T: Zeroize + ?Sized> From<&'a T> for Wiped<T>
where
    Box<T>: From<&'a T>,
{
    fn from(value: &'a T) -> Self {
        Self(value.into())
    }
}

impl<T: Zeroize + ?Sized> Borrow<T> for Wiped<T> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T: Zeroize + ?Sized> Drop for Shared<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize + ?Sized> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DefaultIsZeroes> Shared<[T]> {
    pub fn zeros(len: usize) -> Arc<Self> {
        Self::from_arc(std::iter::repeat_n(T::default(), len).collect())
    }

    /// The values, to be changed; a copy of them if there are other references.
    pub fn make_mut(this: &mut Arc<Self>) -> &mut [T] {
        if Arc::strong_count(this) > 1 {
            *this = Self::from_arc(Arc::from(&this[..]));
        }
        // Nobody else can have made a reference to it: there are no weak ones.
        Arc::get_mut(this).map_or(&mut [], |values| &mut values.0)
    }

    fn from_arc(values: Arc<[T]>) -> Arc<Self> {
        // SAFETY: `Shared` is transparent, so it has the same layout as `[T]`, and every `[T]` is a
        // valid `Shared`. The pointer's length metadata is unchanged.
        unsafe { Arc::from_raw(Arc::into_raw(values) as *const Self) }
    }
}

impl From<&str> for Id {
    fn from(id: &str) -> Self {
        let id: Arc<str> = id.into();
        // SAFETY: `Shared` is transparent, so it has the same layout as `str`, and every `str` is a
        // valid `Shared`. The pointer's length metadata is unchanged.
        Self(unsafe { Arc::from_raw(Arc::into_raw(id) as *const Shared<str>) })
    }
}

impl Default for Id {
    fn default() -> Self {
        "".into()
    }
}

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0.0
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Id {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl JsonSchema for Id {
    fn inline_schema() -> bool {
        str::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        str::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        str::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::hash_map::DefaultHasher,
        hash::{Hash, Hasher},
    };

    use super::*;

    #[test]
    fn an_id_is_its_text_however_many_share_it() {
        for text in ["", "a", "ünï", &"long ".repeat(1000)] {
            let id = Id::from(text);
            let (other, shared) = (Id::from(text), id.clone());
            drop(id);
            assert_eq!(&*shared, text);
            assert_eq!(shared, other);
            assert_eq!(format!("{shared:?}"), format!("{text:?}"));
            // The hashes must agree, because maps of ids are looked up by `str`.
            let hash = |value: &dyn Fn(&mut DefaultHasher)| {
                let mut hasher = DefaultHasher::new();
                value(&mut hasher);
                hasher.finish()
            };
            assert_eq!(hash(&|h| shared.hash(h)), hash(&|h| text.hash(h)));
        }
    }

    #[test]
    fn ids_are_in_the_order_of_their_bytes() {
        let mut ids = ["b", "ab", "é", "a", "B"].map(Id::from);
        ids.sort_unstable();
        assert_eq!(ids.map(|id| id.to_string()), ["B", "a", "ab", "b", "é"]);
    }
}
