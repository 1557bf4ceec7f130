use ndarray::{ArcArray, IxDyn};
use nn_kernels::Real;

/// A tensor: an `ndarray` array of any rank whose buffer is shared.
///
/// Cloning costs nothing (the clones share one buffer), so a layer can keep its input for the backward pass
/// while the next layer reads the same memory. Writing to a tensor whose buffer is shared copies it first:
/// no write is ever seen through another clone.
///
/// Inside the engine the first axis is the batch and the elements are contiguous in row-major order.
pub type Tensor<R> = ArcArray<R, IxDyn>;

/// A tensor of the given shape from its elements in row-major order.
///
/// # Panics
/// If the number of elements is not the product of the shape.
pub fn tensor<R: Real>(shape: &[usize], elements: Vec<R>) -> Tensor<R> {
    let count = elements.len();
    Tensor::from_shape_vec(IxDyn(shape), elements)
        .unwrap_or_else(|_| panic!("{count} elements do not fill a tensor of shape {shape:?}"))
}

/// Flat access to the elements of tensors, which the engine keeps contiguous.
pub(crate) trait Elements<R> {
    /// All elements in row-major order.
    fn elements(&self) -> &[R];
    /// All elements in row-major order, for writing; copies first if the buffer is shared.
    fn elements_mut(&mut self) -> &mut [R];
}

impl<R: Real> Elements<R> for Tensor<R> {
    fn elements(&self) -> &[R] {
        self.as_slice().expect("tensors inside the engine are contiguous")
    }

    fn elements_mut(&mut self) -> &mut [R] {
        self.as_slice_mut().expect("tensors inside the engine are contiguous")
    }
}
