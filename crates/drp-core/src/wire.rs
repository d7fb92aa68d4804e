//! How a wire object is declared: one line a key, read and written as Go peers do it.
//!
//! serde's own `flatten` cannot carry [`Raw`](crate::Raw) values, buffers every object it reads and is strict about
//! `null` and letter case, so the objects are declared with one macro instead. It also tells each key's name and
//! [`Form`](crate::Form), so that whoever handles untyped objects reads them off the same lines.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
    ser::SerializeMap,
};

use crate::{Blank, Field, Form, Level, OrNull, Raw, Secret, Time};

/// A group of keys: a whole object, or a mixin whose keys stand flat in the objects that have it.
pub(crate) trait Fields {
    /// The keys of the group itself, without those of its mixins.
    const OWN: &'static [Field];

    /// Reads the value of `key` out of `map` if the key is one of this group's, and says whether it was.
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;

    /// Writes every key of the group, but for those with `[omit]` that say nothing.
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// A whole object.
pub(crate) trait Object: Fields {
    /// All of its keys: those of each mixin, then its own.
    const KEYS: &'static [&'static [Field]];
}

/// The type of a key's value.
pub(crate) trait Value {
    /// What it is on the wire.
    const FORM: Form;
}

macro_rules! forms {
    ($( $type:ty: $form:expr, )*) => {
        $( impl Value for $type { const FORM: Form = $form; } )*
    };
}

forms! {
    String: Form::Text,
    Secret: Form::Text,
    Level: Form::Text,
    bool: Form::Bool,
    i64: Form::Int,
    u64: Form::Int,
    Blank<uuid::Uuid>: Form::Uuid,
    Blank<std::net::IpAddr>: Form::Address,
    Time: Form::Time,
    OrNull<String>: Form::Bytes,
    OrNull<Secret>: Form::Bytes,
    Raw: Form::Any,
}

impl<T: Value> Value for Option<T> {
    const FORM: Form = T::FORM;
}

impl<T: Value> Value for OrNull<Vec<T>> {
    const FORM: Form = Form::List(&T::FORM);
}

impl<T: Value> Value for OrNull<BTreeMap<String, T>> {
    const FORM: Form = Form::Map(&T::FORM);
}

/// An object's key, borrowed from the input where it holds no escape.
pub(crate) struct WireKey<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for WireKey<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = WireKey<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(WireKey(Cow::Borrowed(key)))
            }
            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok(WireKey(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Whether a key has the mark `[omit]`.
macro_rules! is_omitted {
    () => {
        false
    };
    (omit) => {
        true
    };
}

/// Declares the keys of a mixin: a plain struct whose fields are written flat.
macro_rules! wire_mixin {
    ($(#[$meta:meta])* pub struct $name:ident {
        $( $(#[$field_meta:meta])* $key:literal $field:ident : $type:ty, )*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl $crate::wire::Fields for $name {
            const OWN: &'static [$crate::Field] = &[
                $( $crate::Field { name: $key, form: <$type as $crate::wire::Value>::FORM, is_omitted: false }, )*
            ];

            fn read<'de, A: serde::de::MapAccess<'de>>(
                &mut self, key: &str, map: &mut A,
            ) -> Result<bool, A::Error> {
                $(
                    if key.eq_ignore_ascii_case($key) {
                        if let Some(value) = map.next_value::<Option<$type>>()? {
                            self.$field = value;
                        }
                        return Ok(true);
                    }
                )*
                Ok(false)
            }

            fn write<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $( map.serialize_entry($key, &self.$field)?; )*
                Ok(())
            }
        }
    };
}

/// Declares a wire object: its mixins, its keys in wire order, and `extra` for the keys nobody declared. A key with
/// the mark `[omit]` is not written where it has its default.
macro_rules! wire_object {
    ($(#[$meta:meta])* pub struct $name:ident {
        $( mixin $mixin:ident : $mixin_type:ty, )*
        $( $(#[$field_meta:meta])* $key:literal $field:ident : $type:ty $([$mark:ident])?, )*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $(
                #[doc = concat!("The keys of [`", stringify!($mixin_type), "`], flat on the wire.")]
                pub $mixin: $mixin_type,
            )*
            $( $(#[$field_meta])* pub $field: $type, )*
            /// Keys this version does not know, kept and written back unchanged.
            pub extra: std::collections::BTreeMap<String, $crate::Raw>,
        }

        impl $crate::wire::Fields for $name {
            const OWN: &'static [$crate::Field] = &[
                $(
                    $crate::Field {
                        name: $key,
                        form: <$type as $crate::wire::Value>::FORM,
                        is_omitted: $crate::wire::is_omitted!($($mark)?),
                    },
                )*
            ];

            fn read<'de, A: serde::de::MapAccess<'de>>(
                &mut self, key: &str, map: &mut A,
            ) -> Result<bool, A::Error> {
                $(
                    if key.eq_ignore_ascii_case($key) {
                        if let Some(value) = map.next_value::<Option<$type>>()? {
                            self.$field = value;
                        }
                        return Ok(true);
                    }
                )*
                $(
                    if $crate::wire::Fields::read(&mut self.$mixin, key, map)? {
                        return Ok(true);
                    }
                )*
                Ok(false)
            }

            fn write<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $( $crate::wire::Fields::write(&self.$mixin, map)?; )*
                $(
                    if !$crate::wire::is_omitted!($($mark)?) || self.$field != <$type>::default() {
                        map.serialize_entry($key, &self.$field)?;
                    }
                )*
                for (key, value) in &self.extra {
                    map.serialize_entry(key, value)?;
                }
                Ok(())
            }
        }

        impl $crate::wire::Object for $name {
            const KEYS: &'static [&'static [$crate::Field]] = &[
                $( <$mixin_type as $crate::wire::Fields>::OWN, )*
                <Self as $crate::wire::Fields>::OWN,
            ];
        }

        impl $crate::wire::Value for $name {
            const FORM: $crate::Form = $crate::Form::Record(<Self as $crate::wire::Object>::KEYS);
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                $crate::wire::Fields::write(self, &mut map)?;
                serde::ser::SerializeMap::end(map)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ObjectVisitor;
                impl<'de> serde::de::Visitor<'de> for ObjectVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a ", stringify!($name), " object"))
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut object = $name::default();
                        while let Some($crate::wire::WireKey(key)) = map.next_key()? {
                            if !$crate::wire::Fields::read(&mut object, &key, &mut map)? {
                                let value = map.next_value()?;
                                object.extra.insert(key.into_owned(), value);
                            }
                        }
                        Ok(object)
                    }
                }
                deserializer.deserialize_map(ObjectVisitor)
            }
        }
    };
}

pub(crate) use {is_omitted, wire_mixin, wire_object};
