#pragma once

#include <cstdint>

/// Field numbers of onnx.proto on the way to tensors.
namespace elves::formats::onnx {

using Number = std::uint32_t;

namespace model {
inline constexpr Number kIrVersion = 1, kProducerName = 2, kProducerVersion = 3, kDomain = 4, kModelVersion = 5,
                        kDocString = 6, kGraph = 7, kOpsetImport = 8, kMetadataProps = 14, kTrainingInfo = 20,
                        kFunctions = 25, kConfiguration = 26;
}
namespace graph {
inline constexpr Number kNode = 1, kName = 2, kInitializer = 5, kDocString = 10, kInput = 11, kOutput = 12,
                        kValueInfo = 13, kQuantizationAnnotation = 14, kSparseInitializer = 15, kLast = 16;
}
namespace node {
inline constexpr Number kInput = 1, kOutput = 2, kName = 3, kOpType = 4, kAttribute = 5, kLast = 10;
}
namespace attribute {
inline constexpr Number kName = 1, kTensor = 5, kGraph = 6, kFloats = 7, kTensors = 10, kGraphs = 11, kSparse = 22,
                        kSparses = 23;
}
namespace tensor {
inline constexpr Number kDims = 1, kDataType = 2, kSegment = 3, kFloatData = 4, kInt32Data = 5, kInt64Data = 7,
                        kName = 8, kRawData = 9, kDoubleData = 10, kUint64Data = 11, kExternalData = 13,
                        kDataLocation = 14, kLast = 16;
}
namespace sparse {
inline constexpr Number kValues = 1, kIndices = 2;
}
namespace function {
inline constexpr Number kName = 1, kNode = 7;
}
namespace training {
inline constexpr Number kInitialization = 1, kAlgorithm = 2;
}
namespace entry {  // StringStringEntryProto
inline constexpr Number kKey = 1, kValue = 2;
}

}  // namespace elves::formats::onnx
