//! Tensors of PyTorch 1.12 to 2.15: a Python object that refers to a `c10::TensorImpl`
//! (torch/csrc/autograd/python_variable.h, c10/core/TensorImpl.h).
//!
//! These are structures of C++ that say no version of their own. Of the layouts that there were the one is taken in
//! which everything agrees: the number of elements with the shape, their type with those that exist, the strides with
//! the size of the storage.

use dpdb_snapshot::Avma;

use super::numpy::{DataType, Elements, dimension};
use super::{Kind, Shown, Subject};
use crate::runtime::cpython::objects::Reader;
use crate::runtime::cpython::unreadable::Unreadable;
use crate::runtime::cpython::value::{Items, PythonValue};

pub(super) const KINDS: &[(&str, Kind)] = &[("torch.Tensor", tensor), ("torch.nn.parameter.Parameter", tensor)];

/// Tensors of more dimensions are damage.
const MOST_DIMENSIONS: u64 = 64;
/// Shape and strides of so many dimensions stand in the tensor itself (`C10_SIZES_AND_STRIDES_MAX_INLINE_SIZE`).
const INLINE: u64 = 5;

/// Where the fields are, in bytes.
struct Layout {
    /// Of the `TensorImpl` in the Python object, behind its header: up to 2.9 in a `MaybeOwned`.
    implementation: u64,
    /// Of the `StorageImpl`; the words from here to `dimensions` are others.
    storage: u64,
    /// Of `SizesAndStrides`: the number of dimensions, then the shape, then the strides.
    dimensions: u64,
    /// Of `data_ptr_` in the `StorageImpl`: behind its table of methods and its counters.
    data: u64,
}

const LAYOUTS: [Layout; 3] = [
    // 2.10 on.
    Layout { implementation: 0, storage: 16, dimensions: 56, data: 16 },
    // 2.1 to 2.9, whose two counters share a word.
    Layout { implementation: 8, storage: 16, dimensions: 64, data: 16 },
    // 1.12 to 2.0.
    Layout { implementation: 8, storage: 24, dimensions: 72, data: 24 },
];

/// A tensor, as far as it says so itself.
struct Tensor {
    shape: Vec<u64>,
    /// In elements.
    strides: Vec<i64>,
    /// `c10::ScalarType`.
    scalar: usize,
    device: (i8, i8),
    /// Where the elements of the storage are, on whatever device, and of how many bytes they are.
    storage: Option<(Avma, u64)>,
    /// In elements.
    offset: u64,
}

/// `c10::ScalarType`: the name, and for those whose elements are read numpy's letter and their size.
const SCALARS: [(&str, Option<(u8, u64)>); 30] = [
    ("uint8", Some((b'u', 1))),
    ("int8", Some((b'i', 1))),
    ("int16", Some((b'i', 2))),
    ("int32", Some((b'i', 4))),
    ("int64", Some((b'i', 8))),
    ("float16", Some((b'f', 2))),
    ("float32", Some((b'f', 4))),
    ("float64", Some((b'f', 8))),
    ("complex32", Some((b'c', 4))),
    ("complex64", Some((b'c', 8))),
    ("complex128", Some((b'c', 16))),
    ("bool", Some((b'b', 1))),
    ("qint8", None),
    ("quint8", None),
    ("qint32", None),
    ("bfloat16", Some((b'B', 2))),
    ("quint4x2", None),
    ("quint2x4", None),
    ("bits1x8", None),
    ("bits2x4", None),
    ("bits4x2", None),
    ("bits8", None),
    ("bits16", None),
    ("float8_e5m2", None),
    ("float8_e4m3fn", None),
    ("float8_e5m2fnuz", None),
    ("float8_e4m3fnuz", None),
    ("uint16", Some((b'u', 2))),
    ("uint32", Some((b'u', 4))),
    ("uint64", Some((b'u', 8))),
];

/// `c10::DeviceType`.
const DEVICES: [&str; 21] = [
    "cpu",
    "cuda",
    "mkldnn",
    "opengl",
    "opencl",
    "ideep",
    "hip",
    "fpga",
    "maia",
    "xla",
    "vulkan",
    "metal",
    "xpu",
    "mps",
    "meta",
    "hpu",
    "ve",
    "lazy",
    "ipu",
    "mtia",
    "privateuseone",
];

fn tensor(reader: &Reader<'_, '_>, of: &mut Subject<'_>) -> Shown {
    let header = reader.heap.field(of.at, "PyObject.sizeof")?;
    let read = |layout: &Layout| Tensor::read(reader, header, layout).ok().flatten();
    // What is laid out in none of these ways is shown as any other object.
    let unknown = Unreadable::NoField { field: "torch.Tensor", minor: reader.heap.layout.minor.0 };
    let tensor = LAYOUTS.iter().find_map(read).ok_or(unknown)?;

    let (name, _) = SCALARS[tensor.scalar];
    let mut args = vec![
        (None, tensor.elements(reader, of.path)),
        (Some("shape".to_owned()), numbers(tensor.shape.iter().map(|&size| size as i64))),
        (Some("dtype".to_owned()), word(&format!("torch.{name}"))),
    ];
    if tensor.device.0 != 0 {
        args.push((Some("device".to_owned()), PythonValue::text(&tensor.device_name())));
    }
    let callee = if of.facts.name == "Tensor" { "tensor".to_owned() } else { of.facts.simple_name() };
    let text = PythonValue::Call { callee, args }.to_string();
    let mut attributes = vec![
        ("device".to_owned(), PythonValue::text(&tensor.device_name())),
        ("stride".to_owned(), numbers(tensor.strides.iter().copied())),
    ];
    if let Some((data, size)) = tensor.storage {
        attributes.push(("storage".to_owned(), word(&format!("{size} bytes at {data}"))));
        attributes.push(("storage_offset".to_owned(), PythonValue::Int(tensor.offset.into())));
    }
    Ok(PythonValue::Object { type_name: of.facts.full_name(), at: of.at, text: Some(text), attributes })
}

impl Tensor {
    /// The tensor in this layout; `None` if it does not fit.
    fn read(reader: &Reader<'_, '_>, header: Avma, layout: &Layout) -> Result<Option<Tensor>, Unreadable> {
        let heap = reader.heap;
        let at = |base: Avma, offset: u64| heap.memory.read_u64(base.wrapping_add(offset));
        let implementation = Avma(at(header, layout.implementation)?);
        let dimensions = at(implementation, layout.dimensions)?;
        if !implementation.0.is_multiple_of(8) || dimensions > MOST_DIMENSIONS {
            return Ok(None);
        }
        let inside = implementation.wrapping_add(layout.dimensions + 8);
        let (shape, strides) = match dimensions {
            0..=INLINE => (inside, inside.wrapping_add(8 * INLINE)),
            _ => {
                let outside = Avma(heap.memory.read_u64(inside)?);
                (outside, outside.wrapping_add(8 * dimensions))
            }
        };
        let shape = heap.words(shape, dimensions)?;
        let strides = heap.words(strides, dimensions)?.into_iter().map(|stride| stride as i64).collect();
        let behind = inside.wrapping_add(16 * INLINE);
        let [offset, count] = [at(behind, 0)?, at(behind, 8)?];
        let [scalar, scalar_high, device @ ..] = at(behind, 16)?.to_le_bytes();
        let scalar = usize::from(u16::from_le_bytes([scalar, scalar_high]));
        let device = device_of(device);
        let product = shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size));
        if product != Some(count) || scalar >= SCALARS.len() || !(0..DEVICES.len() as i8).contains(&device.0) {
            return Ok(None);
        }
        // A DataPtr is the address, a unique_ptr with its deleter, and the device; the size stands behind it.
        let storage = Some(Avma(at(implementation, layout.storage)?)).filter(|storage| storage.0 != 0);
        let storage = match storage {
            Some(storage) => Some((Avma(at(storage, layout.data)?), at(storage, layout.data + 32)?)),
            None => None,
        };
        let storage = storage.filter(|(data, _)| data.0 != 0);
        let tensor = Tensor { shape, strides, scalar, device, storage, offset };
        Ok(Some(tensor).filter(Tensor::fits_its_storage))
    }

    /// Whether the last element stands in the storage.
    fn fits_its_storage(&self) -> bool {
        let (Some((_, bytes)), (_, Some((_, size)))) = (self.storage, SCALARS[self.scalar]) else { return true };
        let steps = self.shape.iter().zip(&self.strides);
        let last = steps.fold(i128::from(self.offset), |last, (&size, &stride)| {
            last + i128::from(size.saturating_sub(1)) * i128::from(stride)
        });
        self.shape.contains(&0) || (last + 1) * i128::from(size) <= i128::from(bytes)
    }

    /// What the processor can see of it.
    fn elements(&self, reader: &Reader<'_, '_>, path: &mut Vec<Avma>) -> PythonValue {
        // One without elements has no storage.
        let data = self.storage.map(|(data, _)| data).or(self.shape.contains(&0).then_some(Avma(0)));
        let (Some(data), (_, Some((kind, size))), (0, _)) = (data, SCALARS[self.scalar], self.device) else {
            return word("...");
        };
        let data = data.wrapping_add(self.offset.wrapping_mul(size));
        let strides = self.strides.iter().map(|stride| stride.wrapping_mul(size as i64)).collect();
        let elements = Elements { data, shape: self.shape.clone(), strides, kind: DataType::of_numbers(kind, size) };
        dimension(reader, &elements, 0, data, path).unwrap_or_else(PythonValue::Missing)
    }

    fn device_name(&self) -> String {
        let (kind, index) = self.device;
        let kind = usize::try_from(kind).ok().and_then(|kind| DEVICES.get(kind)).unwrap_or(&"?");
        if index < 0 { (*kind).to_owned() } else { format!("{kind}:{index}") }
    }
}

/// Type and index in an `optional<c10::Device>`: that of the standard library has its flag behind the value, and that
/// of c10, which came before it, in front.
fn device_of([first, second, third, ..]: [u8; 6]) -> (i8, i8) {
    if third != 1 && first == 1 { (second as i8, third as i8) } else { (first as i8, second as i8) }
}

fn numbers(of: impl Iterator<Item = i64>) -> PythonValue {
    let items: Vec<PythonValue> = of.map(|number| PythonValue::Int(number.into())).collect();
    PythonValue::Items { kind: Items::Tuple, length: items.len() as u64, items }
}

/// Something written without quotes.
fn word(text: &str) -> PythonValue {
    PythonValue::Object { type_name: String::new(), at: Avma(0), text: Some(text.to_owned()), attributes: Vec::new() }
}
