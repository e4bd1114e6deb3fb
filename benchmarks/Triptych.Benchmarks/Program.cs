using BenchmarkDotNet.Running;
using Triptych.Benchmarks;
using Triptych.Benchmarks.Compare;

// `compare` prints ratios to other engines, `gemm` shares of the machine's peak, `decode` where a decoded token's time goes, `sharing` what a busy core costs, `memory` the peak, `tokenizers` their speed, `train-tokenizer` that of their training, `templates` chats rendered a second; anything else goes to BenchmarkDotNet (`--filter '*'`).
if (args is ["gemm", .. string[] rest])
    return GemmReport.Run(rest);
if (args is ["compare", .. string[] more])
    return CompareCommand.Run(more);
if (args is ["decode", .. string[] model])
    return DecodeReport.Run(model);
if (args is ["sharing", .. string[] shared])
    return SharingReport.Run(shared);
if (args is ["memory", .. string[] measured])
    return MemoryReport.Run(measured);
if (args is ["tokenizers", "patterns", ..])
    return PatternParity.Run(args[1..]);
if (args is ["tokenizers", "parity", ..])
    return TokenizerParity.Run(args[1..]);
if (args is ["tokenizers", .. string[] texts])
    return TokenizerReport.Run(texts);
if (args is ["train-tokenizer", "parity", ..])
    return TrainTokenizerParity.Run(args[1..]);
if (args is ["train-tokenizer", .. string[] corpus])
    return TrainTokenizerReport.Run(corpus);
if (args is ["templates", .. string[] templates])
    return TemplatesReport.Run(templates);
BenchmarkSwitcher.FromAssembly(typeof(GemmReport).Assembly).Run(args);
return 0;
