//! The wire format of Protocol Buffers, read in place: <https://protobuf.dev/programming-guides/encoding/>.

use crate::error::{IntakeError, malformed};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// The fields of one message, in the order in which they were written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Fields(message)
    }

    /// The next field's number and value.
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, IntakeError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| malformed("a field number"))?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| malformed("a length"))?;
                Value::Bytes(self.take(len)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(malformed("a wire type")),
        };
        if number == 0 { Err(malformed("a field number")) } else { Ok(Some((number, value))) }
    }

    /// What is still to be read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], IntakeError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(malformed("it ends early"))?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], IntakeError> {
        self.take(N)?.try_into().map_err(|_| malformed("it ends early"))
    }

    fn varint(&mut self) -> Result<u64, IntakeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(malformed("a number of more than ten bytes"))
    }
}

impl<'a> Value<'a> {
    pub(crate) fn bytes(self, what: &'static str) -> Result<&'a [u8], IntakeError> {
        match self {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(malformed(what)),
        }
    }

    pub(crate) fn text(self, what: &'static str) -> Result<&'a str, IntakeError> {
        std::str::from_utf8(self.bytes(what)?).map_err(|_| malformed(what))
    }

    pub(crate) fn double(self, what: &'static str) -> Result<f64, IntakeError> {
        match self {
            Value::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(malformed(what)),
        }
    }

    pub(crate) fn fixed64(self, what: &'static str) -> Result<u64, IntakeError> {
        match self {
            Value::Fixed64(bits) => Ok(bits),
            _ => Err(malformed(what)),
        }
    }

    pub(crate) fn int64(self, what: &'static str) -> Result<i64, IntakeError> {
        match self {
            Value::Varint(value) => Ok(value as i64),
            _ => Err(malformed(what)),
        }
    }
}
