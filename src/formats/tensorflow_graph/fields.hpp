#pragma once

#include <cstdint>

/// Field numbers of TensorFlow's messages on the way to constants.
namespace elves::formats::tensorflow {

using Number = std::uint32_t;

namespace saved_model {
inline constexpr Number kSchemaVersion = 1, kMetaGraph = 2;
}
namespace meta_graph {
inline constexpr Number kGraph = 2;
}
namespace graph {
inline constexpr Number kNode = 1, kLibrary = 2, kVersion = 3, kVersions = 4, kDebugInfo = 5;
}
namespace library {
inline constexpr Number kFunction = 1;
}
namespace function {
inline constexpr Number kSignature = 1, kNode = 3;
}
namespace signature {  // OpDef
inline constexpr Number kName = 1;
}
namespace node {
inline constexpr Number kName = 1, kOp = 2, kInput = 3, kDevice = 4, kAttribute = 5, kLast = 7;
}
namespace attribute {  // an entry of map<string, AttrValue>
inline constexpr Number kKey = 1, kValue = 2;
}
namespace value {  // AttrValue
inline constexpr Number kTensor = 8;
}
namespace tensor {
inline constexpr Number kDType = 1, kShape = 2, kContent = 4, kFloats = 5, kDoubles = 6, kComplex64s = 9,
                        kComplex128s = 12, kFloat8s = 18, kFirstNumbers = 4, kLastNumbers = 18;
}

}  // namespace elves::formats::tensorflow
