/// Declares enums that are stored by their name in the schema: `name` writes it, `from_name` reads it back.
macro_rules! stored {
    ($($(#[$meta:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident = $name:literal,)* })*) => { $(
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        pub enum $type {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl $type {
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            pub fn from_name(name: &str) -> $crate::shared::Result<Self> {
                match name {
                    $($name => Ok(Self::$variant),)*
                    _ => Err($crate::shared::Error::internal(format!(
                        "unknown {}: {name}",
                        stringify!($type)
                    ))),
                }
            }
        }
    )* };
}
pub(crate) use stored;
