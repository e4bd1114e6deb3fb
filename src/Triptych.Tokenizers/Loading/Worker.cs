using System.Runtime.ExceptionServices;

namespace Triptych.Tokenizers.Loading;

/// <summary>
/// Work on a thread of its own. A process that loads a tokenizer has often not used tasks before, and their machinery takes longer to start
/// than a file takes to read.
/// </summary>
internal sealed class Worker<T>
{
    private readonly Thread _thread;
    private T? _result;
    private ExceptionDispatchInfo? _fault;

    private Worker(Func<T> work)
    {
        _thread = new Thread(() =>
        {
            try
            {
                _result = work();
            }
            catch (Exception e)
            {
                _fault = ExceptionDispatchInfo.Capture(e);
            }
        })
        {
            IsBackground = true,
        };
        _thread.Start();
    }

    public static Worker<T> Start(Func<T> work) => new(work);

    /// <summary>Waits for the result, or for what the work has thrown.</summary>
    public T Wait()
    {
        _thread.Join();
        _fault?.Throw();
        return _result!;
    }
}
