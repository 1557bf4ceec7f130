//! Fields in PostgreSQL's types.

use std::error::Error;

use bytes::BytesMut;
use jiff::Timestamp;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::storage::sql::Cell;

/// Where PostgreSQL begins to count microseconds, in those since 1970.
const YEAR_2000: i64 = 946_684_800_000_000;

type Failure = Box<dyn Error + Sync + Send>;

impl ToSql for Cell<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *kind == Type::INT4 => {
                let narrow = i32::try_from(*value)
                    .map_err(|_| format!("{value} does not fit into the 32 bits of Optuna's column"))?;
                narrow.to_sql(kind, out)
            }
            Self::Int(value) => value.to_sql(kind, out),
            Self::Real(value) => value.to_sql(kind, out),
            Self::Text(value) => value.to_sql(kind, out),
            Self::Time(value) => (value.as_microsecond() - YEAR_2000).to_sql(kind, out),
            Self::Ids(value) => value.to_sql(kind, out),
        }
    }

    /// Any: the statements are our own, and the type of each parameter follows from the column it goes to.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(match *kind {
            Type::INT4 => Self::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Self::Int(i64::from_sql(kind, raw)?),
            Type::FLOAT8 => Self::Real(f64::from_sql(kind, raw)?),
            Type::TIMESTAMP => {
                let micros = i64::from_sql(kind, raw)?.saturating_add(YEAR_2000);
                Self::Time(Timestamp::from_microsecond(micros)?)
            }
            _ => Self::Text(<&str>::from_sql(kind, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failure> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        let known = [Type::INT4, Type::INT8, Type::FLOAT8, Type::TIMESTAMP, Type::TEXT, Type::VARCHAR];
        known.contains(kind) || matches!(kind.kind(), Kind::Enum(_))
    }
}
